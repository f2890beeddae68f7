"""Numbers and times as text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaf.web import format


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        (1284.5, "USD", "$1,284.50"),
        (Decimal("-3"), "EUR", "−€3.00"),
        (Decimal("1284310.52"), "CHF", "1,284,310.52 CHF"),
        (0, "USD", "$0.00"),
        (-0.001, "USD", "$0.00"),
        (None, "USD", "–"),
    ],
)
def test_money_has_two_decimals_thousands_separators_and_its_currency(value, currency, text):
    """An amount of money is written in full, in its currency, with a real minus sign."""
    assert format.money(value, currency) == text


def test_a_signed_amount_says_plus_as_well():
    """A change shows its sign, so that colour carries no meaning alone; nothing has no sign."""
    assert format.money(5, signed=True) == "+$5.00"
    assert format.money(-5, signed=True) == "−$5.00"
    assert format.money(0, signed=True) == "$0.00"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (67120.5, "$67,120.50"),
        (9.87654, "$9.8765"),
        (0.42131, "$0.4213"),
        (0.0123456, "$0.012346"),
        (0.00001234, "$0.00001234"),
    ],
)
def test_a_price_shows_at_least_four_significant_digits(value, text):
    """A price has as many decimals as its size needs."""
    assert format.price(value) == text


@given(st.floats(min_value=1e-4, max_value=1e9))
def test_a_price_is_never_rounded_by_more_than_a_thousandth(value):
    """Whatever its size, a price keeps its first digits."""
    shown = float(format.price(value, "").replace(",", ""))
    assert abs(shown - value) <= value * 1e-3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (999.5, "$999.50"),
        (12_345, "$12.3K"),
        (1_280_000, "$1.3M"),
        (6.04e9, "$6.0B"),
        (-2e6, "−$2.0M"),
        (None, "–"),
    ],
)
def test_a_compact_amount_has_one_decimal_and_a_unit(value, text):
    """Large amounts are told in short where the place is small."""
    assert format.compact(value) == text


def test_words_of_one_axis_share_their_unit_and_stay_apart():
    """Ticks at a fine step get the decimals that tell them apart, and no more."""
    assert format.axis([1_000_000, 1_200_000, 1_400_000]) == ["$1.0M", "$1.2M", "$1.4M"]
    assert format.axis([12_250, 12_500, 12_750]) == ["$12.25K", "$12.50K", "$12.75K"]
    assert format.axis([100, 200]) == ["$100", "$200"]
    assert format.axis([]) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1066.01600000"), "1,066.016"),
        (Decimal(3), "3"),
        (Decimal("0.00000001"), "0.00000001"),
        (Decimal("1E+3"), "1,000"),
    ],
)
def test_a_quantity_drops_trailing_zeros_only(value, text):
    """An amount of an asset is exact, to eight decimals."""
    assert format.quantity(value) == text


def test_a_ratio_is_percent_with_its_sign():
    """A change in percent says plus or minus; a share does not."""
    assert format.percent(0.0123) == "+1.23%"
    assert format.percent(-0.5) == "−50.00%"
    assert format.percent(-0.00001) == "0.00%"
    assert format.percent(0.0003, signed=False) == "0.03%"
    assert format.share(0.125) == "12.5%"


def test_gain_and_loss_have_a_style_and_an_arrow_and_zero_has_none():
    """What rounds to zero is neither up nor down."""
    assert [format.direction(value) for value in (0.1, -0.1, 0, 0.00001, None)] == ["up", "down", "", "", ""]
    assert "▲" in format.arrow(1)
    assert "▼" in format.arrow(Decimal(-1))
    assert format.arrow(0) == ""


def test_a_moment_is_absolute_in_utc_and_readable_by_machines():
    """Times never depend on when a page is looked at, so that cached pages stay true."""
    there = datetime(2025, 3, 14, 10, 30, tzinfo=timezone(timedelta(hours=1)))
    assert format.moment(there) == '<time datetime="2025-03-14T09:30:00Z">14 Mar 2025, 09:30 UTC</time>'
    assert format.short_moment(there) == '<time datetime="2025-03-14T09:30:00Z">14 Mar, 09:30 UTC</time>'
    assert format.day(date(2025, 3, 4)) == '<time datetime="2025-03-04">4 Mar 2025</time>'
    assert "09:30" in format.moment(there.astimezone(UTC))


def test_a_stored_name_becomes_words():
    """Names from the database are readable."""
    assert [format.label(name) for name in ("mean_reversion", "buy", "DeFi")] == [
        "Mean reversion",
        "Buy",
        "DeFi",
    ]


def test_words_are_marked_where_they_begin_and_everything_is_escaped():
    """In either case, longest first; never inside a word, never as HTML."""
    assert format.marked("Bitcoin is no bit <b>", ["bit", "bitcoin"]) == (
        "<mark>Bitcoin</mark> is no <mark>bit</mark> &lt;b&gt;"
    )
    assert format.marked("orbit", ["bit"]) == "orbit"
    assert format.marked("1+1 <", ["+1", "1+1", ""]) == "<mark>1+1</mark> &lt;"
    assert format.marked("<", []) == "&lt;"


def test_words_of_an_axis_of_ratios_stay_apart():
    """Percent, with as many decimals as the step needs."""
    assert format.ratio_axis([-0.1, 0, 0.1]) == ["−10%", "0%", "10%"]
    assert format.ratio_axis([0.025, 0.05]) == ["2.5%", "5.0%"]


def test_a_figure_has_two_decimals_and_a_sign_only_below_zero():
    """A Sharpe ratio has no unit; what is not defined is a dash."""
    assert [format.figure(value) for value in (1.236, -0.3, -0.001, None)] == ["1.24", "−0.30", "0.00", "–"]
