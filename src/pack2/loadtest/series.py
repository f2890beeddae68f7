"""What happened when, and on which route: the rows that the report draws, made from the records."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pack2.loadtest.meter import Sample
from pack2.loadtest.profiles import Stage, planned_rate
from pack2.loadtest.records import HIT, UNCACHED, Records
from pack2.loadtest.result import Moment, RouteRow
from pack2.loadtest.thresholds import api_requests

_MOMENTS = 120
_FEWEST = 3


def origin_ms(records: Records) -> float:
    """When the first request was sent, Unix time in ms: k6 needs a while before it begins."""
    return float(np.min(records.finished_ms - records.duration_ms)) if len(records) else 0.0


def sent_within(records: Records, spans: Sequence[tuple[float, float]], origin: float) -> NDArray[np.bool_]:
    """Requests that were sent in one of `spans` (seconds from `origin`)."""
    sent = (records.finished_ms - records.duration_ms - origin) / 1000
    mask = np.zeros(len(records), dtype=bool)
    for start, end in spans:
        mask |= (sent >= start) & (sent < end)
    return mask


def interval_seconds(seconds: float) -> float:
    """The width of one point: whole seconds, about 120 points a test."""
    return float(max(1, math.ceil(seconds / _MOMENTS)))


def moments(
    records: Records, plan: Sequence[Stage], samples: Sequence[Sample], origin: float, seconds: float
) -> tuple[Moment, ...]:
    """One row an interval, by when the requests were answered; percentiles over API requests."""
    width = interval_seconds(seconds)
    place = ((records.finished_ms - origin) / 1000 / width).astype(np.int64)
    return tuple(
        _moment(records.where(place == k), tuple(plan), samples, origin, k, width)
        for k in range(math.ceil(seconds / width))
    )


def _moment(
    chosen: Records, plan: tuple[Stage, ...], samples: Sequence[Sample], origin: float, k: int, width: float
) -> Moment:
    start = k * width
    values = chosen.duration_ms[api_requests(chosen)]
    p50, p95, p99 = (
        (float(value) for value in np.percentile(values, [50, 95, 99]))
        if len(values) >= _FEWEST
        else (None, None, None)
    )
    cpu, memory = _used(samples, origin + 1000 * start, origin + 1000 * (start + width))
    return Moment(
        seconds=start + width / 2,
        planned_rate=planned_rate(plan, start + width / 2) if plan else 0.0,
        rate=len(chosen) / width,
        error_percent=100 * float(chosen.failed.mean()) if len(chosen) else 0.0,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        hit_percent=hit_percent(chosen),
        server_cpu_percent=cpu,
        server_memory_bytes=memory,
    )


def _used(samples: Sequence[Sample], start_ms: float, end_ms: float) -> tuple[float | None, int | None]:
    """CPU in percent of one core between the samples around an interval, and the memory at its end."""
    before = [sample for sample in samples if sample.at_ms <= start_ms]
    until = [sample for sample in samples if sample.at_ms <= end_ms]
    if not before or len(until) <= len(before):
        return None, until[-1].memory_bytes if until else None
    first, last = before[-1], until[-1]
    used = 1000 * (last.cpu_seconds - first.cpu_seconds) / (last.at_ms - first.at_ms)
    return 100 * max(0.0, used), last.memory_bytes


def hit_percent(records: Records) -> float | None:
    """Hits over all GETs that the cache looked at; None where there are none."""
    looked = records.cache[(records.cache != UNCACHED) & np.char.startswith(records.name, "GET ")]
    return 100 * float((looked == HIT).mean()) if len(looked) else None


def routes(records: Records) -> tuple[RouteRow, ...]:
    """One row a route and kind, the slowest p95 first."""
    keys = (
        np.char.add(np.char.add(records.kind, "|"), records.name) if len(records) else np.array([], dtype=str)
    )
    rows = [_route(records.where(keys == key)) for key in np.unique(keys)]
    return tuple(sorted(rows, key=lambda row: -row.p95_ms))


def _route(chosen: Records) -> RouteRow:
    p50, p95, p99 = (float(value) for value in np.percentile(chosen.duration_ms, [50, 95, 99]))
    database = chosen.database_ms[~np.isnan(chosen.database_ms)]
    return RouteRow(
        name=str(chosen.name[0]),
        kind=str(chosen.kind[0]),
        requests=len(chosen),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        error_percent=100 * float(chosen.failed.mean()),
        hit_percent=hit_percent(chosen),
        database_p95_ms=float(np.percentile(database, 95)) if len(database) else None,
    )
