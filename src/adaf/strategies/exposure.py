"""How much of its capital a strategy has in the asset after each bar, by kind: from −1 (short) to 1 (long).

Vectorised NumPy. An exposure depends on bars up to its own index only; `adaf.strategies.calculation` lets it
earn from the next bar on. Before the strategy's window is full it is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Series = npt.NDArray[np.float64]

MAX_WINDOW_BARS = 500
TARGET_VOLATILITY = 0.01


class Bars(NamedTuple):
    """Candles by column: float64 arrays of one length, oldest first, without gaps."""

    high: Series
    low: Series
    close: Series


Exposure = Callable[[Bars, Mapping[str, Any]], Series]


def momentum(bars: Bars, parameters: Mapping[str, Any]) -> Series:
    """Long while the fast mean of closes is above the slow one, short while it is below."""
    fast, slow = windows(parameters)
    exposure = np.zeros_like(bars.close)
    exposure[slow - 1 :] = np.sign(_means(bars.close, fast)[slow - fast :] - _means(bars.close, slow))
    return exposure


def mean_reversion(bars: Bars, parameters: Mapping[str, Any]) -> Series:
    """Against the close's deviation from the slow mean: fully at two standard deviations."""
    _, slow = windows(parameters)
    recent = sliding_window_view(bars.close, slow)
    deviation = bars.close[slow - 1 :] - recent.mean(axis=-1)
    exposure = np.zeros_like(bars.close)
    exposure[slow - 1 :] = -np.clip(_ratio(deviation, 2 * recent.std(axis=-1)), -1, 1)
    return exposure


def breakout(bars: Bars, parameters: Mapping[str, Any]) -> Series:
    """Long above the highest high of the slow window, flat once below the lowest low of the fast one.

    Both windows end with the bar before (the channels of the turtle rules).
    """
    fast, slow = windows(parameters)
    ceiling = sliding_window_view(bars.high, slow).max(axis=-1)[:-1]
    floor = sliding_window_view(bars.low, fast).min(axis=-1)[slow - fast : -1]
    event = np.full_like(bars.close, np.nan)
    event[0] = 0.0
    later = event[slow:]
    later[bars.close[slow:] > ceiling] = 1.0
    later[bars.close[slow:] < floor] = 0.0
    return _held(event)


def carry(bars: Bars, parameters: Mapping[str, Any]) -> Series:
    """Long throughout, at 1 % of volatility a bar in the slow window; never more than the capital."""
    _, slow = windows(parameters)
    moves = bars.close[1:] / bars.close[:-1] - 1
    spread = sliding_window_view(moves, slow).std(axis=-1)
    exposure = np.zeros_like(bars.close)
    exposure[slow:] = np.minimum(
        1.0, np.divide(TARGET_VOLATILITY, spread, out=np.ones_like(spread), where=spread > 0)
    )
    return exposure


def market_making(bars: Bars, parameters: Mapping[str, Any]) -> Series:
    """The inventory of quotes around the fast mean: against the distance from it, in mean ranges."""
    fast, slow = windows(parameters)
    distance = bars.close[slow - 1 :] - _means(bars.close, fast)[slow - fast :]
    exposure = np.zeros_like(bars.close)
    exposure[slow - 1 :] = -np.clip(_ratio(distance, _means(bars.high - bars.low, slow)), -1, 1)
    return exposure


BY_KIND: dict[str, Exposure] = {
    "momentum": momentum,
    "mean_reversion": mean_reversion,
    "breakout": breakout,
    "carry": carry,
    "market_making": market_making,
}


def windows(parameters: Mapping[str, Any]) -> tuple[int, int]:
    """The parameters `fast` and `slow` in bars: 1 ≤ fast < slow ≤ 500; 10 and 30 where no numbers."""
    fast = min(max(_whole(parameters.get("fast"), 10), 1), MAX_WINDOW_BARS - 1)
    slow = min(max(_whole(parameters.get("slow"), 30), fast + 1), MAX_WINDOW_BARS)
    return fast, slow


def _whole(value: object, default: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return default
    return int(value)


def _means(values: Series, window: int) -> Series:
    means: Series = sliding_window_view(values, window).mean(axis=-1)
    return means


def _ratio(numerator: Series, denominator: Series) -> Series:
    """`numerator / denominator`, and 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _held(event: Series) -> Series:
    """Each NaN replaced by the last value before it; the first is a value."""
    last = np.maximum.accumulate(np.where(np.isnan(event), 0, np.arange(len(event))))
    held: Series = event[last]
    return held
