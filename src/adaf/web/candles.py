"""Candles as SVG geometry: rising ones hollow, falling ones solid, each kind in two paths."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from adaf.market.models import Candle, Timeframe
from adaf.web import format
from adaf.web.charts import BOX, WORDS_ON_TIME_AXIS, Tick, nice_values

SHOWN = 120
_ABOVE_RATIO, _BELOW_RATIO = 0.08, 0.26  # as the chart in the browser leaves room, below for the volume
_BODY_RATIO = 0.66


class CandleChart(msgspec.Struct, frozen=True):
    """Path data in a box of 1000 × 1000 units, ticks, and what the chart says in a sentence."""

    up_wicks: str
    down_wicks: str
    up_bodies: str
    down_bodies: str
    value_ticks: list[Tick]
    time_ticks: list[Tick]
    summary: str


def candle_chart(candles: Sequence[Candle], timeframe: Timeframe) -> CandleChart | None:
    """The last `SHOWN` of `candles` (oldest first); None when there are none."""
    shown = candles[-SHOWN:]
    if not shown:
        return None
    low, high = min(candle.low for candle in shown), max(candle.high for candle in shown)
    span = (high - low) or high * 0.01
    low, high = low - _BELOW_RATIO * span, high + _ABOVE_RATIO * span
    wicks: dict[bool, list[str]] = {True: [], False: []}
    bodies: dict[bool, list[str]] = {True: [], False: []}
    step = BOX / len(shown)
    for index, candle in enumerate(shown):
        rises = candle.close >= candle.open
        top, bottom = sorted((_y(candle.open, low, high), _y(candle.close, low, high)))
        middle, width = step * (index + 0.5), step * _BODY_RATIO
        highest, lowest = _y(candle.high, low, high), _y(candle.low, low, high)
        wicks[rises].append(f"M{middle:.1f} {highest}V{top}M{middle:.1f} {bottom}V{lowest}")
        bodies[rises].append(
            f"M{middle - width / 2:.1f} {top}h{width:.1f}v{max(bottom - top, 1)}h{-width:.1f}z"
        )
    grid = nice_values(low, high, about=6)
    return CandleChart(
        up_wicks="".join(wicks[True]),
        down_wicks="".join(wicks[False]),
        up_bodies="".join(bodies[True]),
        down_bodies="".join(bodies[False]),
        value_ticks=[Tick(_y(value, low, high) / 10, format.price(value, "")) for value in grid],
        time_ticks=_time_ticks([candle.ts for candle in shown], timeframe),
        summary=_summary(shown, timeframe),
    )


def rows(candles: Sequence[Candle], decimals: int) -> list[tuple[int, float, float, float, float, int]]:
    """Candles for the browser: unix seconds, open, high, low, close, volume."""
    return [
        (
            int(candle.ts.timestamp()),
            round(candle.open, decimals),
            round(candle.high, decimals),
            round(candle.low, decimals),
            round(candle.close, decimals),
            round(candle.volume),
        )
        for candle in candles
    ]


def _y(value: float, low: float, high: float) -> int:
    return round(BOX * (high - value) / (high - low))


def _time_ticks(times: Sequence[datetime], timeframe: Timeframe) -> list[Tick]:
    words = WORDS_ON_TIME_AXIS
    places = sorted({int(len(times) * (index + 0.5) / words) for index in range(words)})
    return [
        Tick(
            round(100 * (place + 0.5) / len(times), 2),
            f"{times[place]:%H:%M}" if timeframe in ("1m", "5m") else f"{times[place].day} {times[place]:%b}",
        )
        for place in places
    ]


def _summary(candles: Sequence[Candle], timeframe: Timeframe) -> str:
    lowest, highest = min(c.low for c in candles), max(c.high for c in candles)
    return (
        f"{len(candles)} candles of {timeframe} "
        f"from {candles[0].ts:%d %b %Y %H:%M} to {candles[-1].ts:%d %b %Y %H:%M} UTC: "
        f"first {format.price(candles[0].open)}, last {format.price(candles[-1].close)}, "
        f"lowest {format.price(lowest)}, highest {format.price(highest)}."
    )
