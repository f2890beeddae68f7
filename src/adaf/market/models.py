"""The values of the market room. Its prices are floats, as feeds deliver them; volumes are in units."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Timeframe = Literal["1m", "5m", "1h", "1d"]
Price = Annotated[float, Meta(gt=0, le=1e12)]


class AssetRow(msgspec.Struct, frozen=True):
    """One line of the list of assets; `change_24h_ratio` 0.05 is +5 %."""

    id: int
    symbol: str
    name: str
    category: str
    price: float
    change_24h_ratio: float
    volume_24h: float


class Asset(msgspec.Struct, frozen=True):
    id: int
    symbol: str
    name: str
    category: str
    description: str
    is_active: bool
    listed_at: datetime
    quoted_at: datetime
    price: float
    bid: float
    ask: float
    volume_24h: float
    price_24h_ago: float


class DayRange(msgspec.Struct, frozen=True):
    """Lowest and highest price and the turnover of the last 24 hours; null where no bar is."""

    low: float | None
    high: float | None
    turnover: float | None


class Holders(msgspec.Struct, frozen=True):
    """In how many portfolios an asset lies, and how much of it."""

    portfolios: int
    quantity: Decimal


class Sentiment(msgspec.Struct, frozen=True):
    """Signals of the last days in one direction, with their mean strength (0 to 1)."""

    direction: str
    signals: int
    strength: float


class AssetDetail(msgspec.Struct, frozen=True):
    """`hourly_volatility` is the standard deviation of hourly log returns over 30 days."""

    asset: Asset
    day_range: DayRange
    hourly_volatility: float | None
    holders: Holders
    sentiment: list[Sentiment]


class Trade(msgspec.Struct, frozen=True):
    """A recorded trade without its owner."""

    id: int
    side: str
    quantity: Decimal
    price: Decimal
    executed_at: datetime


class AssetSignal(msgspec.Struct, frozen=True):
    id: int
    strategy_id: int
    strategy: str
    ts: datetime
    direction: str
    strength: float


class AssetNote(msgspec.Struct, frozen=True):
    id: int
    title: str
    author: str
    tags: list[str]
    published_at: datetime


class AssetStrategy(msgspec.Struct, frozen=True):
    id: int
    name: str
    kind: str
    timeframe: str
    updated_at: datetime


class AssetContext(msgspec.Struct, frozen=True):
    """What is said and done about an asset: recent trades, public signals and strategies, research."""

    trades: list[Trade]
    signals: list[AssetSignal]
    strategies: list[AssetStrategy]
    notes: list[AssetNote]


class Category(msgspec.Struct, frozen=True):
    category: str
    assets: int
    turnover_24h: float


class Quote(msgspec.Struct, frozen=True):
    symbol: str
    ts: datetime
    price: float
    bid: float
    ask: float
    volume_24h: float
    change_24h_ratio: float


class PriceAt(msgspec.Struct, frozen=True):
    """The close of the last bar at or before an instant."""

    ts: datetime
    price: float


class Candle(msgspec.Struct, frozen=True):
    """`ts` is the candle's start."""

    ts: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


class Candles(msgspec.Struct, frozen=True):
    """Oldest first. `next_before` is the `before` of the page of older ones; null at the end."""

    symbol: str
    timeframe: Timeframe
    items: list[Candle]
    next_before: datetime | None


class LatestBar(msgspec.Struct, frozen=True):
    symbol: str
    ts: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


class Sparkline(msgspec.Struct, frozen=True):
    """An asset's closes on the hour, oldest first."""

    symbol: str
    closes: list[float]


class Mover(msgspec.Struct, frozen=True):
    symbol: str
    name: str
    price: float
    change_24h_ratio: float
    volume_24h: float


class Movers(msgspec.Struct, frozen=True):
    up: list[Mover]
    down: list[Mover]


class Traded(msgspec.Struct, frozen=True):
    symbol: str
    name: str
    transactions: int
    turnover: Decimal


class DailyClose(msgspec.Struct, frozen=True):
    symbol: str
    day: datetime
    close: float


class Correlation(msgspec.Struct, frozen=True):
    """`matrix[i][j]`: correlation of the daily returns of `symbols[i]` and `symbols[j]` on `days` days.

    Null where a series does not move.
    """

    symbols: list[str]
    days: int
    matrix: list[list[float | None]]


class CategoryVolume(msgspec.Struct, frozen=True):
    """Turnover of a category on a day: volume at the middle of each asset's daily range."""

    category: str
    day: datetime
    turnover: float


class AssetId(msgspec.Struct, frozen=True):
    symbol: str
    id: int


class NewBar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A 1-minute bar; `ts` is its start, on the minute, with an offset."""

    symbol: Annotated[str, Meta(pattern="^[A-Z0-9]{1,16}$", description="An asset's symbol, such as BTC.")]
    ts: Annotated[datetime, Meta(tz=True, description="ISO 8601 with an offset, at a full minute.")]
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Annotated[float, Meta(ge=0, le=1e18)]


class BarBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bars: Annotated[list[NewBar], Meta(min_length=1, max_length=2000)]


class Recorded(msgspec.Struct, frozen=True):
    """How many bars of how many assets were written."""

    bars: int
    assets: int
