"""Strategies, their runs, daily returns and signals."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from adaf.sample import copy_format as copy
from adaf.sample.copy_format import Field, Integers
from adaf.sample.people import NAMED
from adaf.sample.sizes import DAY_MICROSECONDS, SAMPLE_END_MICROSECONDS, Size
from adaf.sample.streams import stream, zipf_weights
from adaf.sample.universe import Asset

KINDS = ("momentum", "mean_reversion", "breakout", "carry", "market_making")
_TIMEFRAMES = ("5m", "1h", "1d")
_TAGS = (
    "trend",
    "reversal",
    "breakout",
    "liquidity",
    "macro",
    "earnings",
    "overbought",
    "oversold",
    "divergence",
    "squeeze",
)
_MODELS = ("ridge-2", "gbm-7", "lstm-3", "rules-1")
_DIRECTIONS = ("buy", "sell", "hold")
_BATCH_ROWS = 50_000


def strategy_assets(size: Size, seed: int) -> Integers:
    """The asset (from 0) that each strategy trades."""
    return (
        stream(seed, "strategies", 1)
        .choice(size.assets, size.strategies, p=zipf_weights(size.assets, 0.9, 2.0))
        .astype(np.int64)
    )


def strategies(size: Size, seed: int, universe: list[Asset]) -> Iterator[dict[str, Field]]:
    rng = stream(seed, "strategies")
    count = size.strategies
    asset, kind, timeframe = strategy_assets(size, seed), rng.integers(0, 5, count), rng.integers(0, 3, count)
    owner = rng.integers(len(NAMED) + 1, size.users + 1, count)
    owner[: max(count // 20, 6)] = 2  # the named trader
    created = (
        SAMPLE_END_MICROSECONDS
        - (rng.uniform(size.return_days, size.return_days + 200, count)).astype(np.int64) * DAY_MICROSECONDS
    )
    fast, slow = rng.integers(5, 20, count), rng.integers(21, 120, count)
    is_daily = timeframe == _TIMEFRAMES.index("1d")
    slow = np.where(is_daily, np.minimum(slow, _longest_days(size)), slow)
    fast = np.minimum(fast, slow // 2)
    yield {
        "id": copy.int8(np.arange(1, count + 1)),
        "owner_id": copy.int8(owner),
        "asset_id": copy.int4(asset + 1),
        "name": copy.text([
            f"{universe[a].symbol} {KINDS[k].replace('_', ' ')} {number}"
            for number, (a, k) in enumerate(zip(asset, kind, strict=True), start=1)
        ]),
        "kind": copy.choice(kind, KINDS),
        "timeframe": copy.choice(timeframe, _TIMEFRAMES),
        "parameters": copy.jsonb([f'{{"fast": {a}, "slow": {b}}}' for a, b in zip(fast, slow, strict=True)]),
        "is_public": copy.boolean(rng.random(count) < 0.6),
        "created_at": copy.timestamptz(created),
        "updated_at": copy.timestamptz(created + rng.integers(0, 100, count) * DAY_MICROSECONDS),
    }  # fmt: skip


def _longest_days(size: Size) -> int:
    """The longest window of a daily strategy: half of the history, so that a run has something to trade."""
    return max(size.days // 2, 10)


def strategy_returns(size: Size, seed: int) -> Iterator[dict[str, Field]]:
    """Day-major, as a nightly job would write them."""
    rng = stream(seed, "strategy_returns")
    volatility = np.exp(rng.normal(np.log(0.014), 0.4, size.strategies))
    drift = rng.normal(0.0004, 0.0005, size.strategies)
    shocks = rng.standard_t(5, (size.return_days, size.strategies)) * np.sqrt(3 / 5)
    daily = np.round(np.clip(drift + volatility * shocks, -0.5, 1), 8)
    equity = np.asarray(np.cumprod(1 + daily, axis=0), dtype=np.float64).round(8)
    last_day = SAMPLE_END_MICROSECONDS // DAY_MICROSECONDS - 1
    days = np.arange(last_day - size.return_days + 1, last_day + 1)
    yield {
        "strategy_id": copy.int8(np.tile(np.arange(1, size.strategies + 1), size.return_days)),
        "day": copy.date(np.repeat(days, size.strategies)),
        "daily_return": copy.float8(daily.reshape(-1)),
        "equity": copy.float8(equity.reshape(-1)),
    }


def strategy_runs(size: Size, seed: int) -> Iterator[dict[str, Field]]:
    rng = stream(seed, "strategy_runs")
    count = size.runs
    started = np.sort(rng.integers(size.start_microseconds, SAMPLE_END_MICROSECONDS, count))
    failed = rng.random(count) < 0.04
    figures = np.round(rng.normal((1.0, 0.12, -0.15), (0.7, 0.2, 0.08), (count, 3)), 4)
    metrics = [
        None if bad else _json({"sharpe": sharpe, "annual_return": gain, "max_drawdown": min(loss, 0.0)})
        for bad, (sharpe, gain, loss) in zip(failed.tolist(), figures.tolist(), strict=True)
    ]
    yield {
        "id": copy.int8(np.arange(1, count + 1)),
        "strategy_id": copy.int8(
            rng.choice(size.strategies, count, p=zipf_weights(size.strategies, 0.8, 5.0)) + 1
        ),
        "requested_by": copy.int8(rng.integers(1, size.users + 1, count)),
        "status": copy.choice(failed.astype(int), ("done", "failed")),
        "started_at": copy.timestamptz(started),
        "finished_at": copy.timestamptz(started + rng.integers(50_000, 30_000_000, count)),
        "metrics": copy.jsonb(metrics),
        "error": copy.text(
            ["not enough bars for the slow window" if bad else None for bad in failed.tolist()]
        ),
    }


def signals(size: Size, seed: int) -> Iterator[dict[str, Field]]:
    rng = stream(seed, "signals")
    moments = np.sort(rng.integers(size.start_microseconds, SAMPLE_END_MICROSECONDS, size.signals))
    assets = strategy_assets(size, seed)
    for first in range(0, size.signals, _BATCH_ROWS):
        count = min(_BATCH_ROWS, size.signals - first)
        strategy = rng.choice(size.strategies, count, p=zipf_weights(size.strategies, 0.5, 5.0))
        tags = np.argsort(rng.random((count, len(_TAGS))), axis=1)[:, :3]
        tag_count, model = rng.integers(1, 4, count), rng.integers(0, len(_MODELS), count)
        figures = np.round(
            np.column_stack([rng.uniform(5, 95, count), rng.normal(0, 1, count), rng.uniform(0, 5, count)]), 2
        )
        yield {
            "id": copy.int8(np.arange(first + 1, first + count + 1)),
            "strategy_id": copy.int8(strategy + 1),
            "asset_id": copy.int4(assets[strategy] + 1),
            "ts": copy.timestamptz(moments[first : first + count]),
            "direction": copy.choice(rng.choice(3, count, p=(0.42, 0.38, 0.2)), _DIRECTIONS),
            "strength": copy.float8(rng.beta(2.0, 2.0, count).round(4)),
            "payload": copy.jsonb([
                f'{{"tags": [{", ".join(_QUOTED_TAGS[tag] for tag in some[:how_many])}], "indicators": '
                f'{{"rsi": {rsi}, "macd": {macd}, "atr": {atr}}}, "model": "{_MODELS[which]}"}}'
                for some, how_many, (rsi, macd, atr), which in zip(
                    tags.tolist(), tag_count.tolist(), figures.tolist(), model.tolist(), strict=True
                )
            ]),
        }  # fmt: skip


_QUOTED_TAGS = [f'"{tag}"' for tag in _TAGS]


def _json(document: dict[str, object]) -> str:
    return msgspec.json.encode(document).decode()
