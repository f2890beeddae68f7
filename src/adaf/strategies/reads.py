"""Reads of strategies for the API and the pages.

Public strategies and the user's own exist; others are NotFound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adaf.paging import Page, newest_first, page
from adaf.problem import NotFound
from adaf.strategies.models import (
    Candle,
    ComparedReturn,
    Curve,
    Definition,
    Kind,
    Order,
    Ranked,
    ReturnPoint,
    Run,
    Strategy,
    Timeframe,
    UserRun,
)

if TYPE_CHECKING:
    from adaf.database import Database


async def public_strategies(
    db: Database, user_id: int, *, kind: Kind | None = None, cursor: str | None = None, limit: int = 50
) -> Page[Strategy]:
    """A page of the public strategies, the most recently changed first. Raises BadInput for a bad cursor."""
    before = newest_first(cursor)
    if kind is None:
        rows = await db.fetch("strategies_public", user_id, *before, limit + 1, type=Strategy)
    else:
        rows = await db.fetch("strategies_public_by_kind", user_id, kind, *before, limit + 1, type=Strategy)
    return page(rows, limit, lambda row: (row.updated_at, row.id))


async def own_strategies(db: Database, user_id: int) -> list[Strategy]:
    """The user's own strategies (at most 200), public and private."""
    return await db.fetch("strategies_own", user_id, type=Strategy)


async def strategy(db: Database, user_id: int, strategy_id: int) -> Strategy:
    """One strategy. Raises NotFound."""
    found = await db.one("strategy_one", strategy_id, user_id, type=Strategy)
    if found is None:
        raise NotFound("strategy")
    return found


async def performance(db: Database, user_id: int, strategy_id: int, days: int = 90) -> list[ReturnPoint]:
    """Daily returns over the last `days`, oldest first. Raises NotFound."""
    rows = await db.fetch("strategy_performance", strategy_id, user_id, days, type=ReturnPoint)
    if not rows:
        await strategy(db, user_id, strategy_id)
    return rows


async def compare(db: Database, user_id: int, strategy_ids: list[int], days: int = 90) -> list[Curve]:
    """Cumulative returns side by side, in the order asked for. Raises NotFound when one is not to be seen."""
    visible = await db.fetch("strategies_visible", user_id, strategy_ids, type=Strategy)
    by_id = {found.id: found for found in visible}
    if any(wanted not in by_id for wanted in strategy_ids):
        raise NotFound("strategy")
    rows = await db.fetch("strategies_compare", strategy_ids, user_id, days, type=ComparedReturn)
    points: dict[int, list[ComparedReturn]] = {wanted: [] for wanted in strategy_ids}
    for row in rows:
        points[row.strategy_id].append(row)
    return [
        Curve(by_id[wanted], [row.day for row in own], [row.cumulative_return for row in own])
        for wanted, own in points.items()
    ]


async def leaderboard(db: Database, days: int = 30, limit: int = 10, order: Order = "return") -> list[Ranked]:
    """The public strategies with the highest return or Sharpe ratio over the last `days`."""
    name = "strategies_leaderboard" if order == "return" else "strategies_leaderboard_by_sharpe"
    return await db.fetch(name, days, limit, type=Ranked)


async def runs(
    db: Database, user_id: int, strategy_id: int, *, cursor: str | None = None, limit: int = 20
) -> Page[Run]:
    """A page of a strategy's runs, newest first. Raises NotFound, and BadInput for a foreign cursor."""
    rows = await db.fetch(
        "strategy_runs_page", strategy_id, user_id, *newest_first(cursor), limit + 1, type=Run
    )
    if not rows:
        await strategy(db, user_id, strategy_id)
    return page(rows, limit, lambda row: (row.started_at, row.id))


async def best_run(db: Database, user_id: int, strategy_id: int) -> Run:
    """The run with the highest Sharpe ratio. Raises NotFound, also when nothing ran yet."""
    found = await db.one("strategy_best_run", strategy_id, user_id, type=Run)
    if found is None:
        raise NotFound("run")
    return found


async def runs_of_user(db: Database, user_id: int, limit: int = 20) -> list[UserRun]:
    """The runs that the user asked for last."""
    return await db.fetch("strategy_runs_of_user", user_id, limit, type=UserRun)


async def definition(db: Database, user_id: int, strategy_id: int) -> Definition:
    """What a run of the strategy needs. Raises NotFound."""
    found = await db.one("strategy_definition", strategy_id, user_id, type=Definition)
    if found is None:
        raise NotFound("strategy")
    return found


async def candles(db: Database, asset_id: int, timeframe: Timeframe, days: int) -> list[Candle]:
    """The asset's candles of the last `days`, oldest first."""
    return await db.fetch(f"strategy_candles_{timeframe}", asset_id, days, type=Candle)
