"""The values of a load test: what `build/loadtest/<kind>.json` holds and the report shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from pack2.loadtest.errors import ResultMissingError
from pack2.loadtest.histogram import Histogram
from pack2.loadtest.profiles import Stage

Outcome = Literal["pass", "fail", "invalid"]


class ThresholdRow(msgspec.Struct, frozen=True):
    """One threshold of the guide and what was measured; None where nothing was.

    `is_judged` is False where the test could not ask for it, and `note` says why.
    """

    name: str
    unit: str
    limit: float
    is_upper: bool
    value: float | None
    samples: int
    minimum_samples: int
    is_judged: bool = True
    note: str = ""

    @property
    def is_met(self) -> bool:
        if self.value is None:
            return False
        return self.value < self.limit if self.is_upper else self.value > self.limit


class RouteRow(msgspec.Struct, frozen=True):
    """One route, or one step of a visit, over the judged part."""

    name: str
    kind: str
    requests: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    error_percent: float
    hit_percent: float | None = None
    database_p95_ms: float | None = None


class Moment(msgspec.Struct, frozen=True):
    """One point of the time-lines: `seconds` from the start, over one interval."""

    seconds: float
    planned_rate: float
    rate: float
    error_percent: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    hit_percent: float | None = None
    server_cpu_percent: float | None = None
    server_memory_bytes: int | None = None


class StepRow(msgspec.Struct, frozen=True):
    """One step of a stress test; no p95 where nothing was answered."""

    rate: float
    p95_ms: float | None
    error_percent: float
    dropped_percent: float
    generator_cpu_percent: float
    is_held: bool
    reason: str = ""


class RouteCount(msgspec.Struct, frozen=True):
    """What one route asks of the servers when its samples are asked for one by one: no clock is involved.

    Of all its samples together, first asked (a miss) and asked again (a hit where it is cached).
    """

    name: str
    queries: int
    rows: int
    buffers: int
    redis_commands: int
    queries_again: int
    redis_commands_again: int


class RunDigest(msgspec.Struct, frozen=True):
    """One repeated run, small enough to be kept: histograms by route, and what the servers used."""

    latency: Histogram
    database: Histogram
    routes: dict[str, Histogram]
    requests: int
    failed: int
    hits: int
    cacheable: int
    server_cpu_ms_per_request: float | None = None
    server_memory_bytes: int | None = None


class LoadResult(msgspec.Struct, frozen=True):
    """One load test: its verdict, why, and everything that the report shows."""

    kind: str
    verdict: Outcome
    invalid_reasons: tuple[str, ...]
    fail_reasons: tuple[str, ...]
    notes: tuple[str, ...]
    thresholds: tuple[ThresholdRow, ...]
    metrics: dict[str, float | None]
    environment: dict[str, Any]
    stages: tuple[Stage, ...] = ()
    moments: tuple[Moment, ...] = ()
    routes: tuple[RouteRow, ...] = ()
    steps: tuple[StepRow, ...] = ()
    runs: tuple[RunDigest, ...] = ()
    counts: tuple[RouteCount, ...] = ()
    started: str = ""

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 2 invalid."""
        return {"pass": 0, "fail": 1, "invalid": 2}[self.verdict]


def read_result(path: Path) -> LoadResult:
    """The result that `path` holds. Raises ResultMissingError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=LoadResult)
    except FileNotFoundError:
        raise ResultMissingError(path=path, reason="there is no such file") from None
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ResultMissingError(path=path, reason=str(error)) from None


def write_result(result: LoadResult, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
