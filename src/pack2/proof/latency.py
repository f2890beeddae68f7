"""Latency before and after: alternating slices of an open model at one rate, both variants on the same
requests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pack2.loadtest import INGEST_SECONDS
from pack2.loadtest.records import HIT, Records, concatenate
from pack2.proof.model import Metric, RouteRow, Variant
from pack2.proof.plan import Profile, slots
from pack2.proof.stage import Stage
from pack2.proof.statistics import Change, blocks, minimum_samples, paired_change
from pack2.proof.verdict import is_contested

BLOCK_SECONDS = 2.0
SAMPLE_MARGIN = 1.3
"""Not every request of the mix is an API read."""
LONGEST = 6
EXPECTED_REQUESTS = 3
WRITES_A_SECOND = 20.0


@dataclass(frozen=True)
class Latencies:
    """The kept slices' requests of both variants, and the rate at which they were sent."""

    rate: float
    records: Mapping[Variant, Records]

    def change(self, q: float, kind: str) -> Change:
        """Change of the q-th percentile over the requests of `kind` (api: GETs only), paired by position."""
        length = max(10, round(self.rate * BLOCK_SECONDS))
        grouped = {}
        for variant, records in self.records.items():
            chosen = records.where(records.api_reads if kind == "api" else records.kind == kind)
            grouped[variant] = blocks(chosen.duration_ms, chosen.position, length)
        return paired_change(grouped["before"], grouped["after"], q)


def measure(stage: Stage, profile: Profile, rate: float) -> Latencies:
    """ABBA slices of the whole mix. A pair with a contested slice is discarded and sent again with fresh
    requests."""
    for variant in ("before", "after"):
        stage.warm_up(variant, rate, profile.warm_up_seconds)
    seconds = slice_seconds(profile, rate)
    stage.align(min(INGEST_SECONDS, seconds * profile.pairs) / 2)
    return _slices(stage, "latency", rate, seconds, profile.pairs, profile.extra_slices // 2)


def slice_seconds(profile: Profile, rate: float) -> float:
    """The profile's seconds, or as many more as a slow application needs for the samples behind a p95."""
    needed = SAMPLE_MARGIN * minimum_samples(95) / (rate * profile.pairs)
    return min(LONGEST * profile.slice_seconds, max(profile.slice_seconds, math.ceil(needed)))


def measure_writes(stage: Stage, profile: Profile) -> Latencies:
    """The same for writes alone, whose share of the mix is too small for a percentile of their own."""
    seconds = profile.slice_seconds / 2
    return _slices(stage, "writes", WRITES_A_SECOND, seconds, 2, profile.extra_slices // 2)


def _slices(stage: Stage, phase: str, rate: float, seconds: float, pairs: int, spare: int) -> Latencies:
    kept: dict[Variant, list[Records]] = {"before": [], "after": []}
    plan = slots(pairs + spare)
    for pair in range(pairs + spare):
        offset = stage.tape.take(rate, seconds)
        done = []
        for slot in (one for one in plan if one.pair == pair):
            label = f"{phase} slice {pair + 1} {slot.variant}"
            run, health = stage.run(slot.variant, phase, label, rate, seconds, offset)
            done.append((slot.variant, run.records, health))
        if any(is_contested(health.others_cpu_ratio) for _, _, health in done) and spare > 0:
            spare -= 1
            for _, _, health in done:
                stage.discard(health)
            continue
        for variant, records, _ in done:
            kept[variant].append(records)
        if len(kept["before"]) == pairs:
            break
    return Latencies(rate, {variant: concatenate(parts) for variant, parts in kept.items()})


def metric(change: Change, target_percent: float | None, *, judged: bool = True, note: str = "") -> Metric:
    return Metric(
        before=change.before,
        after=change.after,
        change_percent=change.percent,
        ci95_percent=change.interval,
        target_percent=target_percent,
        samples=change.samples,
        judged=judged,
        note=note,
    )


def routes(latencies: Latencies, statements: Mapping[str, tuple[int, int, int]]) -> tuple[RouteRow, ...]:
    """One row a route, slowest before first."""
    before, after = latencies.records["before"], latencies.records["after"]
    rows = [_route(str(name), before, after, statements.get(str(name))) for name in np.unique(before.name)]
    return tuple(sorted((row for row in rows if row), key=lambda row: -row.before_p95_ms))


def _route(
    name: str, before: Records, after: Records, statements: tuple[int, int, int] | None
) -> RouteRow | None:
    first, second = before.where(before.name == name), after.where(after.name == name)
    if len(first) == 0 or len(second) == 0 or name.endswith("bars"):
        return None
    cached = second.cache[second.cache >= 0]
    return RouteRow(
        name=name,
        requests=len(first),
        before_p95_ms=float(np.percentile(first.duration_ms, 95)),
        after_p95_ms=float(np.percentile(second.duration_ms, 95)),
        hit_percent=100 * float((cached == HIT).mean()) if len(cached) else None,
        before_queries=statements[0] if statements else None,
        miss_queries=statements[1] if statements else None,
        hit_queries=statements[2] if statements else None,
    )


def without_samples(latencies: Latencies, mix: list[dict[str, Any]]) -> tuple[str, ...]:
    """Routes that should have had several requests and had none in one variant: they prove nothing."""
    counted = [(len(records), set(records.name.tolist())) for records in latencies.records.values()]
    return tuple(
        str(row["name"])
        for row in mix
        if any(
            row["name"] not in names and row["share"] * size >= EXPECTED_REQUESTS for size, names in counted
        )
    )
