"""/api/market: for every signed-in user, the same for all of them."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.params import FromQuery, JSONBody, Parameter

from adaf.auth.guards import operator, signed_in
from adaf.market import reads, writes
from adaf.market.models import (
    AssetContext,
    AssetDetail,
    AssetRow,
    BarBatch,
    Candles,
    Category,
    CategoryVolume,
    Correlation,
    LatestBar,
    Movers,
    PriceAt,
    Quote,
    Recorded,
    Sparkline,
    Timeframe,
    Traded,
)
from adaf.paging import Page
from adaf.parameters import Cursor, Days, Instant, Limit, OptionalInstant, Symbol, utc
from adaf.problem import BadInput
from adaf.request import Request

MAX_CANDLES = 1000
MAX_CORRELATED = 20

CategoryName = Annotated[
    str | None, Parameter(pattern="^[A-Za-z0-9 _&-]{1,40}$", description="A category, such as DeFi.")
]
CandleLimit = Annotated[int, Parameter(ge=1, le=MAX_CANDLES, description="Candles a page.")]
ShortLimit = Annotated[int, Parameter(ge=1, le=50, description="Rows.")]
SparklineHours = Annotated[int, Parameter(ge=1, le=48, description="Hours back from the market's clock.")]
ClosingDays = Annotated[int, Parameter(ge=5, le=365, description="Days back from the market's clock.")]
TradedDays = Annotated[int, Parameter(ge=1, le=90, description="Days back from the market's clock.")]
Symbols = Annotated[
    str,
    Parameter(
        pattern="^[A-Z0-9]{1,16}(,[A-Z0-9]{1,16})+$",
        max_length=400,
        description=f"2 to {MAX_CORRELATED} different symbols with commas between them, such as BTC,ETH.",
    ),
]


@get("/api/market/assets", opt=signed_in)
async def assets(
    request: Request, category: CategoryName = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[AssetRow]:
    """Active assets by symbol."""
    return await reads.assets(request.db, category, cursor, limit)


@get("/api/market/assets/{symbol:str}", opt=signed_in)
async def asset(request: Request, symbol: Symbol) -> AssetDetail:
    """One asset: its quote, day range, volatility, holders and the mood of the signals about it."""
    return await reads.asset_detail(request.db, symbol)


@get("/api/market/assets/{symbol:str}/context", opt=signed_in)
async def asset_context(request: Request, symbol: Symbol) -> AssetContext:
    """Recent trades, signals, strategies and research about one asset."""
    return await reads.asset_context(request.db, symbol)


@get("/api/market/categories", opt=signed_in)
async def categories(request: Request) -> list[Category]:
    """Categories with the number of their assets and their turnover."""
    return await reads.categories(request.db)


@get("/api/market/quotes", opt=signed_in)
async def quotes(request: Request) -> list[Quote]:
    """The latest quote of every active asset."""
    return await reads.quotes(request.db)


@get("/api/market/quotes/{symbol:str}", opt=signed_in)
async def quote(request: Request, symbol: Symbol) -> Quote:
    """The latest quote of one asset."""
    return await reads.quote(request.db, symbol)


@get("/api/market/prices/{symbol:str}", opt=signed_in)
async def price_at(request: Request, symbol: Symbol, at: Instant) -> PriceAt:
    """The price of one asset at an instant."""
    return await reads.price_at(request.db, symbol, utc(at, "at"))


@get("/api/market/candles/{symbol:str}", opt=signed_in)
async def candles(
    request: Request,
    symbol: Symbol,
    timeframe: FromQuery[Timeframe] = "1h",
    before: OptionalInstant = None,
    limit: CandleLimit = 200,
) -> Candles:
    """Candles of one asset, oldest first."""
    end = None if before is None else utc(before, "before")
    return await reads.candles(request.db, symbol, timeframe, end, limit)


@get("/api/market/bars/latest", opt=signed_in)
async def latest_bars(request: Request) -> list[LatestBar]:
    """The last 1-minute bar of every active asset."""
    return await reads.latest_bars(request.db)


@get("/api/market/sparklines", opt=signed_in)
async def sparklines(request: Request, hours: SparklineHours = 24) -> list[Sparkline]:
    """Hourly closes of every active asset."""
    return await reads.sparklines(request.db, hours)


@get("/api/market/movers", opt=signed_in)
async def movers(request: Request, limit: ShortLimit = 10) -> Movers:
    """What rose and fell most within 24 hours."""
    return await reads.movers(request.db, limit)


@get("/api/market/most-traded", opt=signed_in)
async def most_traded(request: Request, days: TradedDays = 7, limit: ShortLimit = 10) -> list[Traded]:
    """The assets that the users traded most."""
    return await reads.most_traded(request.db, days, limit)


@get("/api/market/correlation", opt=signed_in)
async def correlation(request: Request, symbols: Symbols, days: ClosingDays = 30) -> Correlation:
    """Correlation of the daily returns of some assets."""
    chosen = symbols.split(",")
    if not 2 <= len(set(chosen)) == len(chosen) <= MAX_CORRELATED:
        raise BadInput(f"`symbols` is 2 to {MAX_CORRELATED} different symbols with commas between them.")
    return await reads.correlation(request.db, chosen, days)


@get("/api/market/volume", opt=signed_in)
async def volume(request: Request, days: Days = 30) -> list[CategoryVolume]:
    """Turnover by category and day."""
    return await reads.category_volume(request.db, days)


@post("/api/market/bars", opt=operator)
async def record_bars(request: Request, data: JSONBody[BarBatch]) -> Recorded:
    """Record one batch of 1-minute bars; a bar that is there already is corrected. Quotes follow."""
    return await writes.record_bars(request.db, data.bars)


routes = [
    assets,
    asset,
    asset_context,
    categories,
    quotes,
    quote,
    price_at,
    candles,
    latest_bars,
    sparklines,
    movers,
    most_traded,
    correlation,
    volume,
    record_bars,
]
