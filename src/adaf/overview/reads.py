"""What the overview reads: always for one user, over all of their portfolios that are not archived."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from adaf.database import Database
from adaf.overview.models import (
    Activity,
    Allocation,
    Extreme,
    HoldingNote,
    HoldingSignal,
    Insights,
    NavPoint,
    Overview,
    OwnMover,
    RecentAlert,
    RecentRun,
    RecentTransaction,
    Share,
    Slice,
    Totals,
)

FEE_DAYS = 30


async def overview(db: Database, user_id: int) -> Overview:
    totals = await _totals(db, user_id)
    return Overview(
        totals=totals,
        net_asset_value=totals.cash + totals.invested,
        unrealised_gain=totals.invested - totals.cost,
        change_24h=totals.invested - totals.invested_24h_ago,
        fees_30d=await db.value("overview_fees", user_id, FEE_DAYS),
        unread_alerts=await unread_alerts(db, user_id),
        best_position=await db.one("overview_best_position", user_id, type=Extreme),
        worst_position=await db.one("overview_worst_position", user_id, type=Extreme),
    )


async def unread_alerts(db: Database, user_id: int) -> int:
    count: int = await db.value("overview_unread_alerts", user_id)
    return count


async def nav(db: Database, user_id: int, days: int) -> list[NavPoint]:
    """The daily NAV curve, oldest day first."""
    return await db.fetch("overview_nav", user_id, days, type=NavPoint)


async def allocation(db: Database, user_id: int) -> Allocation:
    slices = await db.fetch("overview_allocation_by_asset", user_id, type=Slice)
    totals = await _totals(db, user_id)
    return allocate(slices, totals.cash)


def allocate(slices: Iterable[Slice], cash: Decimal) -> Allocation:
    """Shares of each asset and each category in the whole of `slices` and `cash`."""
    assets: dict[str, Decimal] = {"Cash": cash}
    categories: dict[str, Decimal] = {"Cash": cash}
    for part in slices:
        assets[part.symbol] = assets.get(part.symbol, Decimal(0)) + part.value
        categories[part.category] = categories.get(part.category, Decimal(0)) + part.value
    return Allocation(by_asset=_shares(assets), by_category=_shares(categories))


async def movers(db: Database, user_id: int, limit: int) -> list[OwnMover]:
    """The user's holdings whose price changed most within 24 hours, up or down."""
    return await db.fetch("overview_movers", user_id, limit, type=OwnMover)


async def activity(db: Database, user_id: int, limit: int) -> Activity:
    """What happened last, newest first."""
    return Activity(
        transactions=await db.fetch("overview_recent_transactions", user_id, limit, type=RecentTransaction),
        alerts=await db.fetch("overview_recent_alerts", user_id, limit, type=RecentAlert),
        runs=await db.fetch("overview_recent_runs", user_id, limit, type=RecentRun),
    )


async def insights(db: Database, user_id: int, limit: int) -> Insights:
    return Insights(
        signals=await db.fetch("overview_signals_on_holdings", user_id, limit, type=HoldingSignal),
        notes=await db.fetch("overview_notes_on_holdings", user_id, limit, type=HoldingNote),
    )


async def _totals(db: Database, user_id: int) -> Totals:
    totals = await db.one("overview_totals", user_id, type=Totals)
    assert totals is not None  # an aggregate without GROUP BY always yields its row
    return totals


def _shares(values: dict[str, Decimal]) -> list[Share]:
    whole = sum(values.values(), Decimal(0))
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    return [Share(name, value, float(value / whole) if whole else 0.0) for name, value in ordered]
