"""/api/alerts."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.params import Parameter

from adaf.alerts import reads, writes
from adaf.alerts.models import Alert, AlertCount
from adaf.auth.guards import signed_in
from adaf.paging import Page
from adaf.parameters import Cursor, Id, Limit, OptionalSymbol
from adaf.request import Request

Unread = Annotated[bool, Parameter(description="Only alerts that were not read yet.")]


@get("/api/alerts", opt=signed_in)
async def alerts(
    request: Request,
    unread: Unread = False,
    symbol: OptionalSymbol = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Alert]:
    """The user's alerts, newest first: all, the unread ones, or those of one asset."""
    return await reads.alerts(
        request.db, request.user_id, unread=unread, symbol=symbol, cursor=cursor, limit=limit
    )


@get("/api/alerts/counts", opt=signed_in)
async def counts(request: Request) -> Page[AlertCount]:
    """How many alerts there are by kind."""
    return Page(await reads.counts(request.db, request.user_id))


@post("/api/alerts/{alert_id:int}/read", opt=signed_in, status_code=204)
async def mark_read(request: Request, alert_id: Id) -> None:
    """Mark one alert as read."""
    await writes.mark_read(request.db, request.user_id, alert_id)


routes = [alerts, counts, mark_read]
