"""Correlation of daily returns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from adaf.market.correlation import correlate
from adaf.market.models import DailyClose

START = datetime(2026, 1, 1, tzinfo=UTC)


def closes(symbol: str, prices: list[float], first_day: int = 0) -> list[DailyClose]:
    return [
        DailyClose(symbol, START + timedelta(days=first_day + i), price) for i, price in enumerate(prices)
    ]


def test_a_multiple_moves_alike_and_an_inverse_against() -> None:
    """Log returns do not care for the price's size; the inverse price moves the other way."""
    prices = [10.0, 11.0, 9.0, 12.0, 12.5]
    result = correlate(
        ["A", "B", "C"],
        closes("A", prices) + closes("B", [7 * p for p in prices]) + closes("C", [1 / p for p in prices]),
    )
    assert result.matrix == [[1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]
    assert result.days == 5


def test_it_is_numpys() -> None:
    """The values are Pearson's, as NumPy calculates them."""
    rng = np.random.default_rng(3)
    one, two = np.exp(rng.normal(size=(2, 40)).cumsum(axis=1))
    result = correlate(["A", "B"], closes("A", one.tolist()) + closes("B", two.tolist()))
    expected = np.corrcoef(np.diff(np.log(one)), np.diff(np.log(two)))[0, 1]
    assert result.matrix[0][1] == pytest.approx(expected, abs=1e-6)


def test_only_common_days_count() -> None:
    """Days on which one of them has no close are left out."""
    result = correlate(["A", "B"], closes("A", [1, 2, 3, 4, 5, 6]) + closes("B", [2, 1, 2, 1], first_day=2))
    assert result.days == 4


def test_a_still_series_has_no_correlation() -> None:
    """Where a price does not move the value is null, not NaN."""
    result = correlate(["A", "B"], closes("A", [1, 2, 1, 2]) + closes("B", [5, 5, 5, 5]))
    assert result.matrix == [[1.0, None], [None, None]]


def test_two_days_are_too_few() -> None:
    """One return says nothing."""
    assert correlate(["A"], closes("A", [1, 2])).matrix == [[None]]
