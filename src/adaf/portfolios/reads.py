"""Reads of portfolios for the API and the pages. All ask for the owner; what is not theirs is NotFound."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from adaf.paging import Page, newest_first, page
from adaf.portfolios.models import (
    AllocationPart,
    FeesPaid,
    Holding,
    Month,
    OwnedTransaction,
    PerformancePoint,
    Portfolio,
    Position,
    Realised,
    Side,
    Transaction,
)
from adaf.problem import NotFound

if TYPE_CHECKING:
    from adaf.database import Database

T = TypeVar("T")


async def portfolios(db: Database, user_id: int) -> list[Portfolio]:
    """The user's portfolios, oldest first, archived ones last."""
    return await db.fetch("portfolio_list", user_id, type=Portfolio)


async def portfolio(db: Database, user_id: int, portfolio_id: int) -> Portfolio:
    """One portfolio. Raises NotFound."""
    found = await db.one("portfolio_one", portfolio_id, user_id, type=Portfolio)
    if found is None:
        raise NotFound("portfolio")
    return found


async def positions(db: Database, user_id: int, portfolio_id: int) -> list[Position]:
    """All positions at the latest quotes, most valuable first. Raises NotFound."""
    rows = await db.fetch("portfolio_positions", portfolio_id, user_id, type=Position)
    return await _owned(db, user_id, portfolio_id, rows)


async def top_holdings(db: Database, user_id: int, portfolio_id: int, limit: int = 5) -> list[Holding]:
    """The most valuable positions with their share of all. Raises NotFound."""
    rows = await db.fetch("portfolio_top_holdings", portfolio_id, user_id, limit, type=Holding)
    return await _owned(db, user_id, portfolio_id, rows)


async def allocation(db: Database, user_id: int, portfolio_id: int) -> list[AllocationPart]:
    """Value by category, and cash. Raises NotFound."""
    rows = await db.fetch("portfolio_allocation", portfolio_id, user_id, type=AllocationPart)
    return await _owned(db, user_id, portfolio_id, rows)


async def performance(
    db: Database, user_id: int, portfolio_id: int, days: int = 30
) -> list[PerformancePoint]:
    """One point a day over the last `days`, oldest first. Raises NotFound."""
    rows = await db.fetch("portfolio_performance", portfolio_id, user_id, days, type=PerformancePoint)
    return await _owned(db, user_id, portfolio_id, rows)


async def transactions(
    db: Database,
    user_id: int,
    portfolio_id: int,
    *,
    symbol: str | None = None,
    side: Side | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Transaction]:
    """A page of the ledger, newest first. Raises NotFound, and BadInput for a cursor that is not ours."""
    before = newest_first(cursor)
    name, filters = _shape(symbol, side)
    rows = await db.fetch(name, portfolio_id, user_id, *filters, *before, limit + 1, type=Transaction)
    await _owned(db, user_id, portfolio_id, rows)
    return page(rows, limit, lambda row: (row.executed_at, row.id))


async def last_trades(
    db: Database, user_id: int, portfolio_id: int, symbol: str, limit: int = 5
) -> list[Transaction]:
    """The last trades of one asset. Raises NotFound for the portfolio; an asset never traded yields none."""
    rows = await db.fetch(
        "transactions_last_of_asset", portfolio_id, user_id, symbol, limit, type=Transaction
    )
    return await _owned(db, user_id, portfolio_id, rows)


async def recent_transactions(db: Database, user_id: int, limit: int = 10) -> list[OwnedTransaction]:
    """The last trades over all of the user's portfolios."""
    return await db.fetch("transactions_recent_of_owner", user_id, limit, type=OwnedTransaction)


async def monthly_summary(db: Database, user_id: int, portfolio_id: int, months: int = 12) -> list[Month]:
    """What was traded in each of the last `months` calendar months, newest first. Raises NotFound."""
    rows = await db.fetch("transactions_monthly_summary", portfolio_id, user_id, months, type=Month)
    return await _owned(db, user_id, portfolio_id, rows)


async def fees_paid(db: Database, user_id: int, portfolio_id: int, days: int = 365) -> list[FeesPaid]:
    """Fees by side over the last `days`. Raises NotFound."""
    rows = await db.fetch("transactions_fees_paid", portfolio_id, user_id, days, type=FeesPaid)
    return await _owned(db, user_id, portfolio_id, rows)


async def realised(db: Database, user_id: int, portfolio_id: int) -> list[Realised]:
    """Realised profit of each asset that was ever sold, highest first. Raises NotFound."""
    rows = await db.fetch("transactions_realised_by_asset", portfolio_id, user_id, type=Realised)
    return await _owned(db, user_id, portfolio_id, rows)


def _shape(symbol: str | None, side: Side | None) -> tuple[str, tuple[str, ...]]:
    match symbol, side:
        case str(), str():
            return "transactions_page_by_asset_and_side", (symbol, side)
        case str(), None:
            return "transactions_page_by_asset", (symbol,)
        case None, str():
            return "transactions_page_by_side", (side,)
    return "transactions_page", ()


async def _owned(db: Database, user_id: int, portfolio_id: int, rows: list[T]) -> list[T]:
    """`rows`. Raises NotFound when there are none and the portfolio is not the user's (a query only then)."""
    if not rows and not await db.value("portfolio_owned", portfolio_id, user_id):
        raise NotFound("portfolio")
    return rows
