"""/api/signals."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import Parameter

from adaf.auth.guards import signed_in
from adaf.paging import Page
from adaf.parameters import Cursor, Days, Id, Limit, OptionalSymbol
from adaf.request import Request
from adaf.signals import reads
from adaf.signals.models import Direction, Signal

OptionalStrategy = Annotated[
    int | None, Parameter(ge=1, le=2**63 - 1, description="Only signals of this strategy.")
]
OptionalDirection = Annotated[Direction | None, Parameter(description="Only signals of this direction.")]
OptionalTag = Annotated[
    str | None, Parameter(min_length=1, max_length=64, description="Only signals with this tag.")
]
Strength = Annotated[float, Parameter(ge=0, le=1, description="With `direction`: at least this strong.")]


@get("/api/signals", opt=signed_in)
async def signals(
    request: Request,
    symbol: OptionalSymbol = None,
    strategy_id: OptionalStrategy = None,
    direction: OptionalDirection = None,
    tag: OptionalTag = None,
    min_strength: Strength = 0.0,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Signal]:
    """Signals, newest first, by one filter or by symbol and direction."""
    return await reads.signals(
        request.db,
        request.strategies_owner_id,
        symbol=symbol,
        strategy_id=strategy_id,
        direction=direction,
        tag=tag,
        min_strength=min_strength,
        cursor=cursor,
        limit=limit,
    )


@get("/api/signals/strongest", opt=signed_in)
async def strongest(request: Request, days: Days = 1, limit: Limit = 10) -> Page[Signal]:
    """The strongest recent signals to buy or sell."""
    return Page(await reads.strongest(request.db, request.strategies_owner_id, days, limit))


@get("/api/signals/{signal_id:int}", opt=signed_in)
async def signal(request: Request, signal_id: Id) -> Signal:
    """One signal."""
    return await reads.signal(request.db, request.strategies_owner_id, signal_id)


routes = [signals, strongest, signal]
