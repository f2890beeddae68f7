"""/api/health: 200 while requests can be served, 503 when PostgreSQL does not answer."""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec
from litestar import Response, get

from adaf.auth.guards import public
from adaf.problem import Unavailable
from adaf.request import Request

LIMIT_SECONDS = 2


class Health(msgspec.Struct, frozen=True):
    """`cache` is off, ok, or bypassed while its change feed is unproven; `market_now`: the latest quote."""

    status: str
    database: str
    cache: str
    market_now: datetime | None


@get("/api/health", opt=public)
async def health(request: Request) -> Response[Health]:
    """The state of the database and of the cache."""
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            market_now = await request.db.value("database_health")
    except TimeoutError:
        raise Unavailable(f"The database did not answer within {LIMIT_SECONDS} seconds.") from None
    state = Health(status="ok", database="ok", cache=request.app.state.cache_state(), market_now=market_now)
    return Response(state, headers={"Cache-Control": "no-store"})


routes = [health]
