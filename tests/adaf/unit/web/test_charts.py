"""Charts as geometry: what is drawn is what the values say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaf.market.models import Candle
from adaf.web.candles import SHOWN, candle_chart, rows
from adaf.web.charts import BOX, line_chart, nice_values, ratio_chart, ring, spark

FIRST = date(2025, 3, 1)
amounts = st.floats(min_value=0, max_value=1e9, allow_subnormal=False)


def days(count: int) -> list[date]:
    return [FIRST + timedelta(days=index) for index in range(count)]


def points(text: str) -> list[tuple[float, float]]:
    return [tuple(float(part) for part in pair.split(",")) for pair in text.split()]


@given(st.lists(amounts, min_size=2, max_size=100))
def test_a_curve_fills_its_width_and_stays_in_its_box(values):
    """The first day is at the left edge, the last at the right, and nothing is cut above or below."""
    chart = line_chart(days(len(values)), values)
    drawn = points(chart.points)
    assert [drawn[0][0], drawn[-1][0]] == [0, BOX]
    assert all(0 <= y <= BOX for _, y in drawn)
    assert all(0 <= tick.at <= 100 for tick in chart.value_ticks + chart.day_ticks)


def test_a_higher_value_is_drawn_higher():
    """SVG counts from the top: the highest value has the smallest y."""
    drawn = points(line_chart(days(3), [10, 30, 20]).points)
    assert drawn[1][1] < drawn[2][1] < drawn[0][1]


def test_days_stand_at_their_time_and_not_in_a_row():
    """A gap in the history is a gap in the curve's width."""
    chart = line_chart([FIRST, FIRST + timedelta(days=1), FIRST + timedelta(days=10)], [1, 2, 3])
    assert [x for x, _ in points(chart.points)] == [0, 100, 1000]


def test_a_curve_says_in_words_what_it_shows():
    """The text alternative has both ends, the change, the lowest and the highest value."""
    summary = line_chart(days(3), [100, 50, 150]).summary
    for part in (
        "$100.00 on 01 Mar 2025",
        "$150.00 on 03 Mar 2025",
        "+50.00%",
        "lowest $50.00",
        "highest $150.00",
    ):
        assert part in summary


def test_curves_share_their_days_and_their_scale():
    """Each curve has its points on its own days, and a gap in the data that is sent where it has none."""
    first, second, third = days(3)
    chart = ratio_chart([("A", {first: 0.0, third: 0.1}), ("B", {second: 0.2, third: -0.1})])
    assert chart.days == [first, second, third]
    assert chart.values == [[0.0, None, 0.1], [None, 0.2, -0.1]]
    (a_first, a_last), (b_first, b_last) = (points(curve.points) for curve in chart.curves)
    assert [a_first[0], a_last[0], b_first[0], b_last[0]] == [0, BOX, BOX / 2, BOX]
    assert b_first[1] < a_last[1] < a_first[1] < b_last[1]
    assert [curve.style for curve in chart.curves] == ["s0", "s1"]
    assert "B: −10.00% at the end, between −10.00% and +20.00%" in chart.summary
    assert any(tick.text == "10%" for tick in chart.value_ticks)


@pytest.mark.parametrize("series", [[], [("A", {})], [("A", {FIRST: 0.1})]])
def test_no_curves_without_two_days(series):
    """The page then says so in words."""
    assert ratio_chart(series) is None


@pytest.mark.parametrize("values", [[], [1.0]])
def test_no_curve_without_two_points(values):
    """One point is no curve; the page then says so in words."""
    assert line_chart(days(len(values)), values) is None
    assert spark(values) == ""


def test_an_even_curve_is_drawn_in_the_middle():
    """Equal values are a straight line inside the box and not a division by zero."""
    assert {y for _, y in points(line_chart(days(5), [7] * 5).points)} == {500}
    assert spark([7, 7]) == "0,28 100,28"


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_round_values_inside_the_axis(low, span):
    """There are a few ticks, in order and inside, at any scale."""
    values = nice_values(low, low + span)
    assert 2 <= len(values) <= 8
    assert all(low <= value <= low + span for value in values)
    assert values == sorted(values)


def test_a_ring_keeps_the_largest_parts_and_gathers_the_rest():
    """Past seven parts the small ones are one, and the whole stays whole."""
    parts = [(f"p{index}", index, index / 45) for index in range(10)]
    slices = ring(parts)
    assert [part.name for part in slices] == ["p9", "p8", "p7", "p6", "p5", "p4", "p3", "other"]
    assert slices[-1].value == 0 + 1 + 2
    assert sum(part.length for part in slices) == pytest.approx(100, abs=0.1)
    assert slices[1].offset == pytest.approx(-slices[0].length, abs=0.01)


def candle(index: int, opened: float, high: float, low: float, close: float) -> Candle:
    return Candle(datetime(2025, 3, 1, tzinfo=UTC) + timedelta(hours=index), opened, high, low, close, 10.4)


def test_rising_and_falling_candles_are_drawn_apart():
    """A candle that closes where it opened or above is in the rising paths, any other in the falling ones."""
    chart = candle_chart([candle(0, 1, 3, 1, 2), candle(1, 2, 2, 1, 1), candle(2, 1, 1, 1, 1)], "1h")
    assert chart.up_bodies.count("M") == 2
    assert chart.down_bodies.count("M") == 1
    assert chart.up_wicks.count("M") == 4


def test_only_the_last_candles_are_drawn_and_all_are_sent():
    """The first paint shows as many as are readable; the chart in the browser gets every one."""
    candles = [candle(index, 1, 2, 1, 2) for index in range(SHOWN + 30)]
    assert candle_chart(candles, "1h").up_bodies.count("M") == SHOWN
    assert len(rows(candles, 2)) == SHOWN + 30
    assert rows(candles[:1], 2) == [(1740787200, 1, 2, 1, 2, 10)]


def test_candles_say_in_words_what_they_show():
    """The text alternative names the timeframe, the ends and the extremes."""
    summary = candle_chart([candle(0, 10, 30, 10, 20), candle(1, 20, 25, 5, 12)], "1h").summary
    for part in ("2 candles of 1h", "first $10.00", "last $12.00", "lowest $5.0000", "highest $30.00"):
        assert part in summary
    assert candle_chart([], "1h") is None
