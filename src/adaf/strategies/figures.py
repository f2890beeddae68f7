"""What a curve of cumulative returns comes to: arithmetic only, by the rules of the leaderboard's SQL."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, stdev

import msgspec

DAYS_A_YEAR = 365  # these markets never close


class Figures(msgspec.Struct, frozen=True):
    """Ratios of a window of days; None where too few days define none."""

    total_return: float | None
    annual_return: float | None
    volatility: float | None
    sharpe: float | None
    max_drawdown: float | None


def cumulative(daily_returns: Sequence[float]) -> list[float]:
    """The return since the window began, after each of its days."""
    grown, found = 1.0, []
    for daily in daily_returns:
        grown *= max(1 + daily, 0.0)
        found.append(grown - 1)
    return found


def drawdowns(cumulative_returns: Sequence[float]) -> list[float]:
    """For each day how far it is below the highest before it, the window's begin included: 0 or less."""
    highest, found = 1.0, []
    for value in cumulative_returns:
        highest = max(highest, 1 + value)
        found.append((1 + value) / highest - 1)
    return found


def figures(cumulative_returns: Sequence[float]) -> Figures:
    """Return, yearly return and volatility, Sharpe ratio (no riskless rate) and deepest fall."""
    if not cumulative_returns:
        return Figures(None, None, None, None, None)
    grown = [1.0, *(1 + value for value in cumulative_returns)]
    daily = [after / before - 1 if before > 0 else 0.0 for before, after in pairwise(grown)]
    spread = stdev(daily) if len(daily) > 1 else 0.0
    return Figures(
        total_return=cumulative_returns[-1],
        annual_return=grown[-1] ** (DAYS_A_YEAR / len(daily)) - 1 if len(daily) > 1 else None,
        volatility=spread * math.sqrt(DAYS_A_YEAR) if len(daily) > 1 else None,
        sharpe=fmean(daily) / spread * math.sqrt(DAYS_A_YEAR) if spread > 0 else None,
        max_drawdown=min(drawdowns(cumulative_returns)),
    )
