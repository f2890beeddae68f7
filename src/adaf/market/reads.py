"""What the market room reads. Unknown symbols raise NotFound."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from adaf.database import Database
from adaf.market.correlation import correlate
from adaf.market.models import (
    Asset,
    AssetContext,
    AssetDetail,
    AssetNote,
    AssetRow,
    AssetSignal,
    AssetStrategy,
    Candle,
    Candles,
    Category,
    CategoryVolume,
    Correlation,
    DailyClose,
    DayRange,
    Holders,
    LatestBar,
    Mover,
    Movers,
    PriceAt,
    Quote,
    Sentiment,
    Sparkline,
    Timeframe,
    Trade,
    Traded,
)
from adaf.paging import Page, decode, page
from adaf.problem import NotFound

SENTIMENT_DAYS = 7
VOLATILITY_HOURS = 24 * 30
_END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


async def assets(db: Database, category: str | None, cursor: str | None, limit: int) -> Page[AssetRow]:
    """Active assets by symbol, of one category or all."""
    after = (decode(cursor, tuple[str]) or ("",))[0]
    if category is None:
        rows = await db.fetch("assets_page", after, limit + 1, type=AssetRow)
    else:
        rows = await db.fetch("assets_page_in_category", category, after, limit + 1, type=AssetRow)
    return page(rows, limit, lambda row: (row.symbol,))


async def asset(db: Database, symbol: str) -> Asset:
    found = await db.one("asset_by_symbol", symbol, type=Asset)
    if found is None:
        raise NotFound("asset")
    return found


async def asset_detail(db: Database, symbol: str) -> AssetDetail:
    found = await asset(db, symbol)
    return AssetDetail(
        asset=found,
        day_range=await db.one("asset_day_range", found.id, type=DayRange) or DayRange(None, None, None),
        hourly_volatility=await db.value("asset_volatility", found.id, VOLATILITY_HOURS),
        holders=await db.one("asset_holders", found.id, type=Holders) or Holders(0, Decimal(0)),
        sentiment=await db.fetch("asset_sentiment", found.id, SENTIMENT_DAYS, type=Sentiment),
    )


async def asset_context(db: Database, symbol: str) -> AssetContext:
    asset_id = await _asset_id(db, symbol)
    return AssetContext(
        trades=await db.fetch("asset_recent_trades", asset_id, 20, type=Trade),
        signals=await db.fetch("asset_recent_signals", asset_id, 10, type=AssetSignal),
        strategies=await db.fetch("asset_public_strategies", asset_id, 10, type=AssetStrategy),
        notes=await db.fetch("asset_recent_notes", asset_id, 5, type=AssetNote),
    )


async def categories(db: Database) -> list[Category]:
    return await db.fetch("asset_categories", type=Category)


async def quotes(db: Database) -> list[Quote]:
    """The latest quote of every active asset, by symbol."""
    return await db.fetch("quotes_all", type=Quote)


async def quote(db: Database, symbol: str) -> Quote:
    found = await db.one("quote_by_symbol", symbol, type=Quote)
    if found is None:
        raise NotFound("asset")
    return found


async def price_at(db: Database, symbol: str, at: datetime) -> PriceAt:
    """The price at an instant; NotFound also where the series begins later."""
    found = await db.one("price_at", symbol, at, type=PriceAt)
    if found is None:
        raise NotFound("asset, or no price of it at that time,")
    return found


async def candles(
    db: Database, symbol: str, timeframe: Timeframe, before: datetime | None, limit: int
) -> Candles:
    """The `limit` last candles that start before `before` (default: all), oldest first."""
    rows = await db.fetch(f"candles_{timeframe}", symbol, before or _END_OF_TIME, limit + 1, type=Candle)
    if not rows:
        await _asset_id(db, symbol)
    kept = rows[:limit]
    return Candles(symbol, timeframe, kept[::-1], kept[-1].ts if len(rows) > limit else None)


async def latest_bars(db: Database) -> list[LatestBar]:
    return await db.fetch("latest_bars", type=LatestBar)


async def sparklines(db: Database, hours: int) -> list[Sparkline]:
    return await db.fetch("sparklines", hours, type=Sparkline)


async def movers(db: Database, limit: int) -> Movers:
    """The assets that rose and fell most within 24 hours."""
    return Movers(
        up=await db.fetch("movers_up", limit, type=Mover),
        down=await db.fetch("movers_down", limit, type=Mover),
    )


async def most_traded(db: Database, days: int, limit: int) -> list[Traded]:
    return await db.fetch("most_traded", days, limit, type=Traded)


async def correlation(db: Database, symbols: list[str], days: int) -> Correlation:
    """Correlation of daily returns; NotFound when any of `symbols` is unknown or has no bar in that time."""
    closes = await db.fetch("daily_closes", symbols, days, type=DailyClose)
    if missing := sorted(set(symbols) - {close.symbol for close in closes}):
        raise NotFound(f"asset with daily closes in that time: {', '.join(missing)}")
    return correlate(symbols, closes)


async def category_volume(db: Database, days: int) -> list[CategoryVolume]:
    return await db.fetch("category_volume", days, type=CategoryVolume)


async def _asset_id(db: Database, symbol: str) -> int:
    asset_id: int | None = await db.value("asset_id_by_symbol", symbol)
    if asset_id is None:
        raise NotFound("asset")
    return asset_id
