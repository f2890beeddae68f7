"""/api/overview: the signed-in user's own money, and nobody else's."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import Parameter

from adaf.auth.guards import signed_in
from adaf.overview import reads
from adaf.overview.models import Activity, Allocation, Insights, NavPoint, Overview, OwnMover
from adaf.parameters import Days
from adaf.request import Request

ShortLimit = Annotated[int, Parameter(ge=1, le=50, description="Rows.")]


@get("/api/overview", opt=signed_in)
async def overview(request: Request) -> Overview:
    """Totals over the user's portfolios."""
    return await reads.overview(request.db, request.user_id)


@get("/api/overview/nav", opt=signed_in)
async def nav(request: Request, days: Days = 90) -> list[NavPoint]:
    """The net asset value of each day, over all portfolios."""
    return await reads.nav(request.db, request.user_id, days)


@get("/api/overview/allocation", opt=signed_in)
async def allocation(request: Request) -> Allocation:
    """Shares by asset and by category."""
    return await reads.allocation(request.db, request.user_id)


@get("/api/overview/movers", opt=signed_in)
async def movers(request: Request, limit: ShortLimit = 5) -> list[OwnMover]:
    """The user's holdings that moved most."""
    return await reads.movers(request.db, request.user_id, limit)


@get("/api/overview/activity", opt=signed_in)
async def activity(request: Request, limit: ShortLimit = 10) -> Activity:
    """The user's latest transactions, alerts and strategy runs."""
    return await reads.activity(request.db, request.user_id, limit)


@get("/api/overview/insights", opt=signed_in)
async def insights(request: Request, limit: ShortLimit = 10) -> Insights:
    """Signals and research about what the user holds."""
    return await reads.insights(request.db, request.user_id, limit)


routes = [overview, nav, allocation, movers, activity, insights]
