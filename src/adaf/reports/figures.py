"""What a report calculates itself: returns, drawdown, volatility, totals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from statistics import stdev

import msgspec

from adaf.reports.models import DayValue, Trade

DAYS_A_YEAR = 365  # these markets never close


class Figures(msgspec.Struct, frozen=True):
    """Of a series of daily values, the first of which opens the period; ratios, None where undefined."""

    total_return: float | None
    max_drawdown: float | None
    volatility: float | None
    best_day: float | None
    worst_day: float | None


class Turnover(msgspec.Struct, frozen=True):
    """What was traded."""

    count: int
    bought: Decimal
    sold: Decimal
    fees: Decimal


def drawdowns(values: Sequence[Decimal]) -> list[float]:
    """For each value how far it is below the highest before it: 0 or less."""
    highest = Decimal(0)
    found = []
    for value in values:
        highest = max(highest, value)
        found.append(float(value / highest - 1) if highest > 0 else 0.0)
    return found


def figures(days: Sequence[DayValue]) -> Figures:
    """Return, drawdown and yearly volatility over `days`."""
    values = [day.nav for day in days]
    returns = [float(after / before - 1) for before, after in pairwise(values) if before > 0]
    return Figures(
        total_return=float(values[-1] / values[0] - 1) if len(values) > 1 and values[0] > 0 else None,
        max_drawdown=min(drawdowns(values), default=None),
        volatility=stdev(returns) * math.sqrt(DAYS_A_YEAR) if len(returns) > 1 else None,
        best_day=max(returns, default=None),
        worst_day=min(returns, default=None),
    )


def turnover(trades: Sequence[Trade]) -> Turnover:
    """Sums by side, and fees."""
    zero = Decimal(0)
    return Turnover(
        count=len(trades),
        bought=sum((trade.value for trade in trades if trade.side == "buy"), zero),
        sold=sum((trade.value for trade in trades if trade.side == "sell"), zero),
        fees=sum((trade.fee for trade in trades), zero),
    )
