"""The guide's thresholds, each with what it is measured on and how many samples must stand behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pack2.loadtest.records import Records
from pack2.loadtest.result import ThresholdRow

THROUGHPUT = 100.0
ERROR_PERCENT = 1.0
_BEHIND = 10
"""Samples that must lie beyond a judged percentile: 200 for a p95, 1,000 for a p99."""


@dataclass(frozen=True)
class Limit:
    """A percentile's upper limit in milliseconds."""

    name: str
    q: int
    milliseconds: float

    @property
    def minimum_samples(self) -> int:
        return round(_BEHIND / (1 - self.q / 100))


API = (Limit("API p95", 95, 500), Limit("API p99", 99, 1000))
DATABASE = (Limit("database p95", 95, 100), Limit("database p99", 99, 500))
CACHE = (Limit("cache p95", 95, 10), Limit("cache p99", 99, 50))


def api_requests(records: Records) -> NDArray[np.bool_]:
    """What "API response" means: reads and writes, pages, live streams and whole waits apart."""
    mask: NDArray[np.bool_] = np.isin(records.kind, ("api", "write"))
    return mask


def latency_rows(judged: Records) -> list[ThresholdRow]:
    """The six percentile thresholds over the judged requests."""
    chosen = judged.where(api_requests(judged))
    database = judged.database_ms[~np.isnan(judged.database_ms)]
    return [
        *_rows(API, chosen.duration_ms, "whole requests"),
        *_rows(DATABASE, database, "a request's time in the database, from Server-Timing"),
        *_rows(CACHE, judged.hit_ms, "answers from the cache, from Server-Timing"),
    ]


def _rows(limits: Sequence[Limit], values: NDArray[np.float64], note: str) -> list[ThresholdRow]:
    return [
        ThresholdRow(
            name=limit.name,
            unit="ms",
            limit=limit.milliseconds,
            is_upper=True,
            value=float(np.percentile(values, limit.q)) if len(values) else None,
            samples=len(values),
            minimum_samples=limit.minimum_samples,
            note=note,
        )
        for limit in limits
    ]


def error_row(records: Records) -> ThresholdRow:
    """Requests without an answer or with a status of 400 and above, ramps and steps of visits included."""
    count = len(records)
    value = 100 * float(records.failed.mean()) if count else None
    return ThresholdRow("errors", "%", ERROR_PERCENT, True, value, count, 1)


def failing_routes(records: Records) -> list[str]:
    """Each route whose share of errors is surely above the limit: the lower end of its 95 % interval (Wilson
    1927) is. One failure of twenty requests may be chance; two of twenty are not."""
    found = []
    for name in np.unique(records.name).tolist():
        failed = records.failed[records.name == name]
        percent = 100 * float(failed.mean())
        if 100 * _surely_at_least(int(failed.sum()), len(failed)) > ERROR_PERCENT:
            found.append(
                f"errors of {name} are {percent:.2g} %; < {ERROR_PERCENT:g} % is asked of each route"
            )
    return found


def _surely_at_least(failures: int, count: int) -> float:
    share, z = failures / count, 1.96
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (share + z * z / (2 * count) - spread) / (1 + z * z / count)


def throughput_row(per_second: float | None, samples: int, offered: float) -> ThresholdRow:
    """Answered requests a second, sustained. A test that offers no more than the limit can not ask for it."""
    judged = offered > THROUGHPUT
    note = "" if judged else f"not asked for: {offered:g}/s were offered"
    value = None if per_second is None or math.isnan(per_second) else per_second
    return ThresholdRow("throughput", "/s", THROUGHPUT, False, value, samples, 1, judged, note)
