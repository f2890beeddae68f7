"""The values of the strategy routes. Returns, drawdowns and volatilities are ratios: 0.1 is 10 %."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

import msgspec

Kind = Literal["momentum", "mean_reversion", "breakout", "carry", "market_making"]
Timeframe = Literal["5m", "1h", "1d"]
Order = Literal["return", "sharpe"]


class Strategy(msgspec.Struct, frozen=True):
    """A strategy that the user may see; `is_own` says whose it is."""

    id: int
    name: str
    kind: Kind
    symbol: str
    timeframe: Timeframe
    parameters: dict[str, Any]
    is_public: bool
    is_own: bool
    created_at: datetime
    updated_at: datetime


class Definition(msgspec.Struct, frozen=True):
    """What a run needs to know of a strategy."""

    asset_id: int
    kind: Kind
    timeframe: Timeframe
    parameters: dict[str, Any]


class ReturnPoint(msgspec.Struct, frozen=True):
    """One day of a strategy, with rolling mean and volatility of daily returns."""

    day: date
    daily_return: float
    equity: float
    drawdown: float | None
    average_7d: float | None
    volatility_30d: float | None


class ComparedReturn(msgspec.Struct, frozen=True):
    """One day of one strategy in a comparison; `cumulative_return` starts with the window."""

    strategy_id: int
    day: date
    daily_return: float
    cumulative_return: float


class Curve(msgspec.Struct, frozen=True):
    """A strategy's cumulative return by day, as parallel lists."""

    strategy: Strategy
    days: list[date]
    cumulative_returns: list[float]


class Ranked(msgspec.Struct, frozen=True):
    """A public strategy's place in the leaderboard; `volatility` is daily, `sharpe` yearly."""

    id: int
    name: str
    kind: Kind
    symbol: str
    total_return: float
    volatility: float
    sharpe: float | None
    day_count: int


class Run(msgspec.Struct, frozen=True):
    """A calculation of a strategy; `metrics` as in `Metrics` when it is done, `error` when it failed."""

    id: int
    status: Literal["running", "done", "failed"]
    started_at: datetime
    finished_at: datetime | None
    metrics: dict[str, Any] | None
    error: str | None
    is_own: bool


class UserRun(msgspec.Struct, frozen=True):
    """A run that the user asked for."""

    id: int
    strategy_id: int
    strategy: str
    status: Literal["running", "done", "failed"]
    started_at: datetime
    metrics: dict[str, Any] | None


class Candle(msgspec.Struct, frozen=True):
    """What a calculation reads of a candle; `bucket` is its start."""

    bucket: datetime
    high: float
    low: float
    close: float


class Metrics(msgspec.Struct, frozen=True):
    """What a run found; yearly figures by the timeframe's bars a year, null where the data defines none."""

    bars: int
    trades: int
    exposure_ratio: float
    total_return: float
    annual_return: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    max_drawdown: float
    equity: list[float]
    drawdown: list[float]
