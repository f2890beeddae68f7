"""A strategy's run: exposure → returns → equity and metrics. Pure and deterministic.

The server lets `adaf.strategies.calculator` call it: a thousand bars are too long for the event loop.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from adaf.strategies.exposure import BY_KIND, Bars, Series, windows
from adaf.strategies.models import Kind, Metrics, Timeframe

COST_RATIO = 0.0005  # of the capital that is moved, at each change of exposure
BARS_A_YEAR: dict[Timeframe, int] = {"5m": 365 * 288, "1h": 365 * 24, "1d": 365}
CURVE_POINTS = 200


class TooFewBarsError(ValueError):
    """The candles do not fill the strategy's window."""


def calculate(kind: Kind, timeframe: Timeframe, parameters: Mapping[str, Any], bars: Bars) -> Metrics:
    """Metrics of the strategy over the bars, oldest first.

    Sharpe and Sortino ratio, volatility, CAGR and drawdown are empyrical's. Raises TooFewBarsError.
    """
    needed = windows(parameters)[1] + 2
    close = bars.close
    if len(close) < needed:
        raise TooFewBarsError(f"A run needs {needed} candles of {timeframe}; there are {len(close)}.")
    import empyrical  # here: it brings pandas, seconds to import, and only the calculating process needs it

    exposure = BY_KIND[kind](bars, parameters)
    returns = strategy_returns(close, exposure)
    equity = np.cumprod(1 + returns, dtype=np.float64)
    drawdown: Series = equity / np.maximum.accumulate(np.maximum(equity, 1.0)) - 1
    year = BARS_A_YEAR[timeframe]
    with np.errstate(all="ignore"):
        return Metrics(
            bars=len(close),
            trades=int(np.count_nonzero(np.diff(exposure, prepend=0.0))),
            exposure_ratio=float(np.abs(exposure).mean()),
            total_return=float(equity[-1] - 1),
            annual_return=_defined(empyrical.cagr(returns, annualization=year)),
            volatility=_defined(empyrical.annual_volatility(returns, annualization=year)),
            sharpe=_defined(empyrical.sharpe_ratio(returns, annualization=year)),
            sortino=_defined(empyrical.sortino_ratio(returns, annualization=year)),
            max_drawdown=float(empyrical.max_drawdown(returns)),
            equity=_thinned(equity),
            drawdown=_thinned(drawdown),
        )


def strategy_returns(close: Series, exposure: Series) -> Series:
    """Each bar's return: the exposure held before it times the price's change, less what the change cost.

    Never below −100 %: capital that is gone does not come back.
    """
    change = close[1:] / close[:-1] - 1
    turnover = np.abs(np.diff(exposure[:-1], prepend=0.0))
    returns: Series = np.maximum(exposure[:-1] * change - turnover * COST_RATIO, -1.0)
    return returns


def _defined(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _thinned(curve: Series) -> list[float]:
    """At most CURVE_POINTS of `curve`, evenly, the last among them; eight digits are enough to draw."""
    picked = np.unique(np.linspace(0, len(curve) - 1, min(len(curve), CURVE_POINTS)).astype(int))
    return [float(value) for value in np.round(curve[picked], 8)]
