"""Reads of signals for the API and the pages: those of public strategies and of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adaf.paging import Page, newest_first, page
from adaf.problem import BadInput, NotFound
from adaf.signals.models import Direction, Signal

if TYPE_CHECKING:
    from adaf.database import Database


async def signals(
    db: Database,
    user_id: int,
    *,
    symbol: str | None = None,
    strategy_id: int | None = None,
    direction: Direction | None = None,
    tag: str | None = None,
    min_strength: float = 0.0,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Signal]:
    """A page of signals, newest first.

    One filter at a time, or symbol and direction together; `min_strength` goes with direction alone.
    Raises BadInput for other combinations and for a cursor that is not ours.
    """
    if min_strength and (direction is None or symbol is not None):
        raise BadInput("`min_strength` goes with `direction` alone.")
    name, filters = _shape(symbol, strategy_id, direction, tag, min_strength)
    rows = await db.fetch(name, user_id, *filters, *newest_first(cursor), limit + 1, type=Signal)
    return page(rows, limit, lambda row: (row.ts, row.id))


def _shape(
    symbol: str | None,
    strategy_id: int | None,
    direction: Direction | None,
    tag: str | None,
    min_strength: float,
) -> tuple[str, tuple[Any, ...]]:
    """The query for these filters and its parameters between the user and the cursor."""
    match symbol, strategy_id, direction, tag:
        case None, None, None, None:
            return "signals_recent", ()
        case str(), None, None, None:
            return "signals_by_symbol", (symbol,)
        case str(), None, str(), None:
            return "signals_by_symbol_and_direction", (symbol, direction)
        case None, int(), None, None:
            return "signals_by_strategy", (strategy_id,)
        case None, None, str(), None:
            return "signals_by_direction", (direction, min_strength)
        case None, None, None, str():
            return "signals_by_tag", (tag,)
    raise BadInput(
        "Filter by one of `symbol`, `strategy_id`, `direction`, `tag`, or by symbol and direction."
    )


async def strongest(db: Database, user_id: int, days: int = 1, limit: int = 10) -> list[Signal]:
    """The strongest signals to buy or sell of the last `days`."""
    return await db.fetch("signals_strongest", user_id, days, limit, type=Signal)


async def signal(db: Database, user_id: int, signal_id: int) -> Signal:
    """One signal. Raises NotFound."""
    found = await db.one("signal_one", user_id, signal_id, type=Signal)
    if found is None:
        raise NotFound("signal")
    return found
