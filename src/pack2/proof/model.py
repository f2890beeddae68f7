"""The values of a proof: metrics, the health of each slice, and the verdict; what `proof.json` holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

Variant = Literal["before", "after"]
Outcome = Literal["pass", "fail", "invalid"]


class Metric(msgspec.Struct, frozen=True):
    """One figure before and after. A change is `100 * (after / before - 1)`; of `*_percent` metrics it is
    in points.

    `ci95_percent` is the 95 % interval of the change; None for a bound that the measurement could not find.
    """

    before: float
    after: float
    change_percent: float
    ci95_percent: tuple[float | None, float | None]
    target_percent: float | None
    samples: int
    judged: bool = True
    note: str = ""


class SliceHealth(msgspec.Struct, frozen=True):
    """How sound one slice of load was; ratios are parts of one core or of all requests."""

    label: str
    phase: str
    variant: Variant
    rate: float
    seconds: float
    requests: int
    dropped_ratio: float
    error_ratio: float
    generator_cpu_ratio: float
    others_cpu_ratio: float
    started_ms: float = 0.0
    discarded: bool = False


class RouteRow(msgspec.Struct, frozen=True):
    """One route at the latency rate: p95 before and after, and how often the cache answered."""

    name: str
    requests: int
    before_p95_ms: float
    after_p95_ms: float
    hit_percent: float | None
    before_queries: int | None = None
    miss_queries: int | None = None
    hit_queries: int | None = None


class QueryRow(msgspec.Struct, frozen=True):
    """One named query over the same parameters: shared buffers touched and median time, before and after."""

    name: str
    calls: int
    before_buffers: int
    after_buffers: int
    before_ms: float
    after_ms: float


class CapacityStep(msgspec.Struct, frozen=True):
    """One step of a capacity search: what was offered and what came of it."""

    variant: Variant
    rate: float
    p95_ms: float
    error_ratio: float
    dropped_ratio: float
    generator_cpu_ratio: float
    passed: bool
    confirming: bool = False


class Capacity(msgspec.Struct, frozen=True):
    """The highest rate that held, the lowest that did not (None: none was found) and who set the limit."""

    held_rate: float
    broken_rate: float | None
    generator_limited: bool
    samples: int


class HitRow(msgspec.Struct, frozen=True):
    """One route with a policy at the tuned load, the most misses first."""

    name: str
    requests: int
    hit_percent: float
    miss_p95_ms: float | None


class PageRow(msgspec.Struct, frozen=True):
    """Every load of one page of one variant in the order of measuring: LCP in ms, first and repeat visits."""

    page: str
    variant: Variant
    first_ms: tuple[float, ...]
    repeat_ms: tuple[float, ...]


class TunedLoad(msgspec.Struct, frozen=True):
    """The tuned variant at 60 % of its own capacity: where the hit rate is measured."""

    rate: float
    seconds: float
    requests: int
    hit_percent: float
    api_p50_ms: float
    api_p95_ms: float
    write_share_percent: float
    generator_cpu_ratio: float
    warm_up_seconds: float = 0.0
    routes: tuple[HitRow, ...] = ()


class Proof(msgspec.Struct, frozen=True):
    """What was proved, under which conditions, and how sure it is."""

    verdict: Outcome
    invalid_reasons: tuple[str, ...]
    fail_reasons: tuple[str, ...]
    environment: dict[str, Any]
    metrics: dict[str, Metric]
    tuned_load: TunedLoad | None = None
    routes: tuple[RouteRow, ...] = ()
    queries: tuple[QueryRow, ...] = ()
    capacity_steps: tuple[CapacityStep, ...] = ()
    pages: tuple[PageRow, ...] = ()
    slices: tuple[SliceHealth, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 2 invalid."""
        return {"pass": 0, "fail": 1, "invalid": 2}[self.verdict]


def read_proof(path: Path) -> Proof:
    """The proof that `path` (a `proof.json`) holds."""
    return msgspec.json.decode(path.read_bytes(), type=Proof)


def write_proof(proof: Proof, path: Path) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(proof), indent=2) + b"\n")
