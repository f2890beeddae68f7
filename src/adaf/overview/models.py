"""The values of the overview. Money is a decimal, written as a JSON string so that no cent is lost."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec


class Totals(msgspec.Struct, frozen=True):
    """Sums over the user's portfolios that are not archived, in the base currency."""

    portfolios: int
    cash: Decimal
    invested: Decimal
    cost: Decimal
    invested_24h_ago: Decimal


class Extreme(msgspec.Struct, frozen=True):
    """A position with the largest gain or loss; `gain_ratio` 0.05 is +5 %."""

    portfolio_id: int
    portfolio: str
    symbol: str
    gain_ratio: float
    gain: Decimal


class Overview(msgspec.Struct, frozen=True):
    totals: Totals
    net_asset_value: Decimal
    unrealised_gain: Decimal
    change_24h: Decimal
    fees_30d: Decimal
    unread_alerts: int
    best_position: Extreme | None
    worst_position: Extreme | None


class NavPoint(msgspec.Struct, frozen=True):
    """The last net asset value of a day (UTC), and the cash in it."""

    day: datetime
    nav: Decimal
    cash: Decimal


class Slice(msgspec.Struct, frozen=True):
    symbol: str
    category: str
    value: Decimal


class Share(msgspec.Struct, frozen=True):
    """`ratio` is the share of the whole, cash included."""

    name: str
    value: Decimal
    ratio: float


class Allocation(msgspec.Struct, frozen=True):
    """Largest first; cash is one of the categories."""

    by_asset: list[Share]
    by_category: list[Share]


class OwnMover(msgspec.Struct, frozen=True):
    symbol: str
    name: str
    price: float
    change_24h_ratio: float
    change_24h_value: Decimal


class RecentAlert(msgspec.Struct, frozen=True):
    id: int
    symbol: str
    kind: str
    message: str
    is_read: bool
    triggered_at: datetime


class RecentTransaction(msgspec.Struct, frozen=True):
    id: int
    portfolio_id: int
    portfolio: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    executed_at: datetime


class RecentRun(msgspec.Struct, frozen=True):
    id: int
    strategy_id: int
    strategy: str
    status: str
    started_at: datetime
    finished_at: datetime | None


class Activity(msgspec.Struct, frozen=True):
    transactions: list[RecentTransaction]
    alerts: list[RecentAlert]
    runs: list[RecentRun]


class HoldingSignal(msgspec.Struct, frozen=True):
    id: int
    symbol: str
    strategy_id: int
    strategy: str
    ts: datetime
    direction: str
    strength: float


class HoldingNote(msgspec.Struct, frozen=True):
    id: int
    symbol: str
    title: str
    published_at: datetime


class Insights(msgspec.Struct, frozen=True):
    """Public signals and research about what the user holds."""

    signals: list[HoldingSignal]
    notes: list[HoldingNote]
