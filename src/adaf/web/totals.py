"""What a list of positions and an amount of cash come to: arithmetic only."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from adaf.portfolios.models import Position


class Totals(msgspec.Struct, frozen=True):
    """Amounts in the portfolio's currency; ratios are None where there is nothing to divide by."""

    net_asset_value: Decimal
    cash: Decimal
    change_24h: Decimal
    profit: Decimal
    change_24h_ratio: float | None
    profit_ratio: float | None
    cash_ratio: float | None


def totals(positions: Sequence[Position], cash: Decimal) -> Totals:
    """Value, 24-hour change (of what is held now) and unrealised profit of `positions`, with `cash`."""
    value = sum((position.value for position in positions), Decimal(0))
    cost = sum((position.cost for position in positions), Decimal(0))
    profit = sum((position.profit for position in positions), Decimal(0))
    change = sum((_change_24h(position) for position in positions), Decimal(0))
    before = value + cash - change
    return Totals(
        net_asset_value=value + cash,
        cash=cash,
        change_24h=change,
        profit=profit,
        change_24h_ratio=_ratio(change, before),
        profit_ratio=_ratio(profit, cost),
        cash_ratio=_ratio(cash, value + cash),
    )


def _change_24h(position: Position) -> Decimal:
    ratio = position.change_24h_ratio
    if ratio is None or ratio <= -1:
        return Decimal(0)
    return position.value - position.value / (1 + Decimal(ratio))


def _ratio(part: Decimal, whole: Decimal) -> float | None:
    return float(part / whole) if whole else None
