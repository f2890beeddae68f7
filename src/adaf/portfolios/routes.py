"""/api/portfolios."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get, post
from litestar.params import JSONBody, Parameter

from adaf.auth.guards import signed_in, trader
from adaf.paging import Page
from adaf.parameters import Cursor, Days, Id, Limit, OptionalSymbol, Symbol
from adaf.portfolios import reads, writes
from adaf.portfolios.models import (
    AllocationPart,
    FeesPaid,
    Holding,
    Month,
    PerformancePoint,
    Portfolio,
    Position,
    Realised,
    Side,
    TradeRequest,
    Transaction,
)
from adaf.request import Request

Months = Annotated[int, Parameter(ge=1, le=120, description="Calendar months back from the market's clock.")]
OptionalSide = Annotated[Side | None, Parameter(description="Only purchases or only sales.")]
ONE = "/api/portfolios/{portfolio_id:int}"


@get("/api/portfolios", opt=signed_in)
async def portfolios(request: Request) -> Page[Portfolio]:
    """The user's portfolios with their newest net asset value."""
    return Page(await reads.portfolios(request.db, request.user_id))


@get(ONE, opt=signed_in)
async def portfolio(request: Request, portfolio_id: Id) -> Portfolio:
    """One portfolio."""
    return await reads.portfolio(request.db, request.user_id, portfolio_id)


@get(ONE + "/positions", opt=signed_in)
async def positions(request: Request, portfolio_id: Id) -> Page[Position]:
    """All positions at the latest quotes, with profit and loss."""
    return Page(await reads.positions(request.db, request.user_id, portfolio_id))


@get(ONE + "/holdings", opt=signed_in)
async def holdings(request: Request, portfolio_id: Id, limit: Limit = 5) -> Page[Holding]:
    """The most valuable positions and their shares."""
    return Page(await reads.top_holdings(request.db, request.user_id, portfolio_id, limit))


@get(ONE + "/allocation", opt=signed_in)
async def allocation(request: Request, portfolio_id: Id) -> Page[AllocationPart]:
    """Value by category."""
    return Page(await reads.allocation(request.db, request.user_id, portfolio_id))


@get(ONE + "/performance", opt=signed_in)
async def performance(request: Request, portfolio_id: Id, days: Days = 30) -> Page[PerformancePoint]:
    """Net asset value, returns and drawdown by day."""
    return Page(await reads.performance(request.db, request.user_id, portfolio_id, days))


@get(ONE + "/transactions", opt=signed_in)
async def transactions(
    request: Request,
    portfolio_id: Id,
    asset: OptionalSymbol = None,
    side: OptionalSide = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Transaction]:
    """The ledger, newest first."""
    return await reads.transactions(
        request.db, request.user_id, portfolio_id, symbol=asset, side=side, cursor=cursor, limit=limit
    )


@get(ONE + "/assets/{symbol:str}/transactions", opt=signed_in)
async def last_trades(
    request: Request, portfolio_id: Id, symbol: Symbol, limit: Limit = 5
) -> Page[Transaction]:
    """The last trades of one asset."""
    return Page(await reads.last_trades(request.db, request.user_id, portfolio_id, symbol, limit))


@get(ONE + "/summary", opt=signed_in)
async def summary(request: Request, portfolio_id: Id, months: Months = 12) -> Page[Month]:
    """What was traded by month, newest first."""
    return Page(await reads.monthly_summary(request.db, request.user_id, portfolio_id, months))


@get(ONE + "/fees", opt=signed_in)
async def fees(request: Request, portfolio_id: Id, days: Days = 365) -> Page[FeesPaid]:
    """Fees paid by side."""
    return Page(await reads.fees_paid(request.db, request.user_id, portfolio_id, days))


@get(ONE + "/realised", opt=signed_in)
async def realised(request: Request, portfolio_id: Id) -> Page[Realised]:
    """Realised profit by asset."""
    return Page(await reads.realised(request.db, request.user_id, portfolio_id))


@post(ONE + "/transactions", opt=trader)
async def record_trade(
    request: Request, portfolio_id: Id, data: JSONBody[TradeRequest]
) -> Response[Transaction]:
    """Record a trade. 201; 200 with the same transaction when its `client_reference` was recorded before."""
    recorded = await writes.record_trade(request.db, request.user_id, portfolio_id, data, request.metrics)
    return Response(recorded.transaction, status_code=201 if recorded.is_new else 200)


routes = [
    portfolios,
    portfolio,
    positions,
    holdings,
    allocation,
    performance,
    transactions,
    last_trades,
    summary,
    fees,
    realised,
    record_trade,
]
