"""How much of its capital a strategy has in the asset after each bar, by kind: from −1 (short) to 1 (long).

Vectorised NumPy. An exposure depends on bars up to its own index only; `adaf.strategies.calculation` lets it
earn from the next bar on. Before the strategy's window is full it is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Series = npt.NDArray[np.float64]

MAX_WINDOW_BARS = 500


class Bars(NamedTuple):
    """Candles by column: float64 arrays of one length, oldest first, without gaps."""

    high: Series
    low: Series
    close: Series


Exposure = Callable[[Bars, Mapping[str, Any]], Series]


def momentum(bars: Bars, parameters: Mapping[str, Any]) -> Series:
    """Long after a rise over the window, short after a fall."""
    close = bars.close
    window = window_bars(parameters, 20)
    exposure = np.zeros_like(close)
    exposure[window:] = np.sign(close[window:] / close[:-window] - 1)
    return exposure


def mean_reversion(bars: Bars, parameters: Mapping[str, Any]) -> Series:
    """Against the deviation from the window's mean: fully at `entry` (2) standard deviations."""
    close = bars.close
    window = window_bars(parameters, 20)
    entry = number(parameters, "entry", 2.0, 0.1, 10.0)
    exposure = np.zeros_like(close)
    recent = _windows(close, window)
    spread = recent.std(axis=-1)
    deviation = close[window - 1 :] - recent.mean(axis=-1)
    exposure[window - 1 :] = -np.clip(_ratio(deviation, spread * entry), -1, 1)
    return exposure


def breakout(bars: Bars, parameters: Mapping[str, Any]) -> Series:
    """Long once the close passes the highest high of the window before it, flat once below the lowest low."""
    close = bars.close
    window = window_bars(parameters, 20)
    ceiling = _windows(bars.high, window).max(axis=-1)[:-1]
    floor = _windows(bars.low, window).min(axis=-1)[:-1]
    event = np.full_like(close, np.nan)
    event[0] = 0.0
    later = close[window:]
    event[window:][later > ceiling] = 1.0
    event[window:][later < floor] = 0.0
    return _held(event)


def carry(bars: Bars, parameters: Mapping[str, Any]) -> Series:
    """Long throughout, at `target` (1 %) of volatility a bar; never more than the capital."""
    close = bars.close
    window = window_bars(parameters, 20)
    target = number(parameters, "target", 0.01, 1e-6, 1.0)
    exposure = np.zeros_like(close)
    spread = _windows(_returns(close)[1:], window).std(axis=-1)
    exposure[window:] = np.minimum(1.0, np.divide(target, spread, out=np.ones_like(spread), where=spread > 0))
    return exposure


def market_making(bars: Bars, parameters: Mapping[str, Any]) -> Series:
    """The inventory of quotes on both sides: against the last bar's move, by the window's mean range."""
    close = bars.close
    window = window_bars(parameters, 20)
    exposure = np.zeros_like(close)
    reach = _windows(bars.high - bars.low, window).mean(axis=-1)
    move = np.diff(close, prepend=close[0])[window - 1 :]
    exposure[window - 1 :] = -np.clip(_ratio(move, reach), -1, 1)
    return exposure


BY_KIND: dict[str, Exposure] = {
    "momentum": momentum,
    "mean_reversion": mean_reversion,
    "breakout": breakout,
    "carry": carry,
    "market_making": market_making,
}


def window_bars(parameters: Mapping[str, Any], default: int) -> int:
    """The window of a strategy: its parameter `lookback`, within 2 … 500 bars."""
    return int(number(parameters, "lookback", default, 2, MAX_WINDOW_BARS))


def number(parameters: Mapping[str, Any], name: str, default: float, least: float, most: float) -> float:
    """A numeric parameter, clipped to [least, most]; `default` when it is missing or no number."""
    value = parameters.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        value = default
    return float(min(max(value, least), most))


def _windows(values: Series, window: int) -> Series:
    windows: Series = sliding_window_view(values, window)
    return windows


def _returns(close: Series) -> Series:
    return np.diff(close, prepend=close[0]) / np.concatenate((close[:1], close[:-1]))


def _ratio(numerator: Series, denominator: Series) -> Series:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _held(event: Series) -> Series:
    """Each NaN replaced by the last value before it; the first is a value."""
    last = np.maximum.accumulate(np.where(np.isnan(event), 0, np.arange(len(event))))
    held: Series = event[last]
    return held
