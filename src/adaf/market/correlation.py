"""Correlation of daily returns, as arrays; a handful of series, so that it takes microseconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from adaf.market.models import Correlation

if TYPE_CHECKING:
    from adaf.market.models import DailyClose


def correlate(symbols: Sequence[str], closes: Sequence[DailyClose]) -> Correlation:
    """Pearson correlation of log returns between the days on which every one of `symbols` has a close."""
    series: dict[str, dict[float, float]] = {symbol: {} for symbol in symbols}
    for close in closes:
        series[close.symbol][close.day.timestamp()] = close.close
    days = sorted(set.intersection(*(set(one) for one in series.values())))
    if len(days) < 3:
        return Correlation(list(symbols), len(days), [[None] * len(symbols) for _ in symbols])
    prices = np.array([[series[symbol][day] for day in days] for symbol in symbols])
    returns = np.diff(np.log(prices), axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        matrix = np.atleast_2d(np.corrcoef(returns))
    rounded = [[round(value, 6) if np.isfinite(value) else None for value in row] for row in matrix.tolist()]
    return Correlation(list(symbols), len(days), rounded)
