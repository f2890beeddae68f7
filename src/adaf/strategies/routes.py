"""/api/strategies."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.params import Parameter

from adaf.auth.guards import signed_in, trader
from adaf.paging import Page
from adaf.parameters import Cursor, Days, Id, Limit
from adaf.problem import BadInput
from adaf.request import Request
from adaf.strategies import reads, writes
from adaf.strategies.models import Curve, Kind, Order, Ranked, ReturnPoint, Run, Strategy, UserRun

MAX_COMPARED = 10

OptionalKind = Annotated[Kind | None, Parameter(description="Only strategies of this kind.")]
Ids = Annotated[
    str,
    Parameter(
        pattern=r"^[0-9]{1,18}(,[0-9]{1,18})*$",
        max_length=200,
        description=f"1 to {MAX_COMPARED} strategies: their ids with commas between.",
    ),
]
RankedBy = Annotated[Order, Parameter(description="What is ranked: the return or the Sharpe ratio.")]
ONE = "/api/strategies/{strategy_id:int}"


@get("/api/strategies", opt=signed_in)
async def strategies(
    request: Request, kind: OptionalKind = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[Strategy]:
    """Public strategies, the most recently changed first."""
    owner_id = request.strategies_owner_id
    return await reads.public_strategies(request.db, owner_id, kind=kind, cursor=cursor, limit=limit)


@get("/api/strategies/own", opt=signed_in)
async def own_strategies(request: Request) -> Page[Strategy]:
    """The user's own strategies."""
    return Page(await reads.own_strategies(request.db, request.user_id))


@get("/api/strategies/compare", opt=signed_in)
async def compare(request: Request, ids: Ids, days: Days = 90) -> Page[Curve]:
    """Cumulative returns of several strategies by day."""
    return Page(await reads.compare(request.db, request.strategies_owner_id, _distinct(ids), days))


@get("/api/strategies/leaderboard", opt=signed_in)
async def leaderboard(
    request: Request, days: Days = 30, limit: Limit = 10, order: RankedBy = "return"
) -> Page[Ranked]:
    """Public strategies by return or by Sharpe ratio, highest first."""
    return Page(await reads.leaderboard(request.db, days, limit, order))


@get("/api/strategies/runs", opt=signed_in)
async def runs_of_user(request: Request, limit: Limit = 20) -> Page[UserRun]:
    """The runs that the user asked for last."""
    return Page(await reads.runs_of_user(request.db, request.user_id, limit))


@get(ONE, opt=signed_in)
async def strategy(request: Request, strategy_id: Id) -> Strategy:
    """One strategy, public or the user's own."""
    return await reads.strategy(request.db, request.strategies_owner_id, strategy_id)


@get(ONE + "/performance", opt=signed_in)
async def performance(request: Request, strategy_id: Id, days: Days = 90) -> Page[ReturnPoint]:
    """Daily returns with rolling mean and volatility."""
    return Page(await reads.performance(request.db, request.strategies_owner_id, strategy_id, days))


@get(ONE + "/runs", opt=signed_in)
async def runs(request: Request, strategy_id: Id, cursor: Cursor = None, limit: Limit = 20) -> Page[Run]:
    """A strategy's runs, newest first."""
    return await reads.runs(request.db, request.user_id, strategy_id, cursor=cursor, limit=limit)


@get(ONE + "/runs/best", opt=signed_in)
async def best_run(request: Request, strategy_id: Id) -> Run:
    """The run with the highest Sharpe ratio."""
    return await reads.best_run(request.db, request.user_id, strategy_id)


@post(ONE + "/runs", opt=trader)
async def run_strategy(request: Request, strategy_id: Id) -> Run:
    """Calculate the strategy anew; 503 with Retry-After when too many calculations wait."""
    calculator = request.app.state.calculator
    return await writes.run_strategy(request.db, calculator, request.user_id, strategy_id, request.metrics)


def _distinct(ids: str) -> list[int]:
    """The ids in order, each once."""
    found = list(dict.fromkeys(int(part) for part in ids.split(",")))
    if len(found) > MAX_COMPARED:
        raise BadInput(f"`ids` names 1 to {MAX_COMPARED} strategies, with commas between.")
    return found


routes = [
    strategies,
    own_strategies,
    compare,
    leaderboard,
    runs_of_user,
    strategy,
    performance,
    runs,
    best_run,
    run_strategy,
]
