"""Reads of a user's alerts for the API and the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adaf.alerts.models import Alert, AlertCount
from adaf.paging import Page, newest_first, page
from adaf.problem import BadInput

if TYPE_CHECKING:
    from adaf.database import Database


async def alerts(
    db: Database,
    user_id: int,
    *,
    unread: bool = False,
    symbol: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Alert]:
    """A page of the user's alerts, newest first; the unread ones, or those of one asset.

    Raises BadInput for a bad cursor and for both filters together.
    """
    if unread and symbol is not None:
        raise BadInput("Give `unread` or `symbol`, not both.")
    filters = () if symbol is None else (symbol,)
    name = "alerts_of_asset" if filters else "alerts_unread_page" if unread else "alerts_page"
    rows = await db.fetch(name, user_id, *filters, *newest_first(cursor), limit + 1, type=Alert)
    return page(rows, limit, lambda row: (row.triggered_at, row.id))


async def counts(db: Database, user_id: int) -> list[AlertCount]:
    """How many alerts of each kind the user has."""
    return await db.fetch("alerts_count_by_kind", user_id, type=AlertCount)


async def unread_count(db: Database, user_id: int) -> int:
    """How many alerts the user has not read."""
    count: int = await db.value("alerts_unread_count", user_id)
    return count
