"""How the feed goes on from a price, and how fast, as values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf.market.feed import SHORTEST_SECONDS, Past, continued, pace

THEN = datetime(2026, 3, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
prices = st.floats(1e-6, 1e6)


@st.composite
def bars(draw: st.DrawFn) -> Past:
    low, a, b, high = sorted(draw(st.tuples(prices, prices, prices, prices)))
    opened, closed = draw(st.sampled_from([(a, b), (b, a)]))
    return Past(draw(st.integers(1, 3)), THEN, opened, high, low, closed, draw(st.floats(0, 1e9)))


@settings(max_examples=60, deadline=None)
@given(st.lists(bars(), max_size=8), st.dictionaries(st.integers(1, 3), prices, min_size=3))
def test_each_asset_goes_on_from_its_price(past, now):
    """A bar opens where the last one closed, moves as the old one did, and stays a possible bar."""
    last = dict(now)
    for old, new in zip(past, continued(past, now, WEEK), strict=True):
        assert new.open == pytest.approx(last[new.asset_id])
        assert new.close / new.open == pytest.approx(old.close / old.open)
        assert new.low <= min(new.open, new.close) <= max(new.open, new.close) <= new.high
        assert (new.ts, new.volume) == (THEN + WEEK, old.volume)
        last[new.asset_id] = new.close
    assert now == last


@pytest.mark.parametrize(
    ("speed", "seconds", "minutes"),
    [(1, 60, 1), (60, 1, 1), (600, 0.1, 1), (6000, 0.1, 10), (0.5, 120, 1), (900, 0.1333, 2)],
)
def test_a_speed_is_so_many_minutes_a_minute(speed, seconds, minutes):
    """Commits are never closer than SHORTEST_SECONDS: faster means more minutes in one."""
    assert pace(speed) == (pytest.approx(seconds, rel=0.01), minutes)
    assert pace(speed)[0] >= SHORTEST_SECONDS * 0.66
