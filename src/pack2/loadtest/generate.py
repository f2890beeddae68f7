"""One run of the generator on a site: a fresh part of the sequence, and what the servers used meanwhile."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pack2.loadtest.k6 import INGEST_SECONDS, K6Run, Scenario, run_k6
from pack2.loadtest.meter import Sample
from pack2.loadtest.profiles import Stage, arrivals
from pack2.loadtest.progress import LoadProgress
from pack2.loadtest.site import Site
from pack2.loadtest.verdict import Conduct

_VISIT_EVERY = 600.0
"""Requests of the mix for one whole visit: sign-in, a calculation, a live stream, a report."""
_SHORTEST_VISIT_GAP, _LONGEST_VISIT_GAP = 1.0, 10.0
VISITORS = 10


@dataclass(frozen=True)
class Load:
    """What one run gave, and how it was conducted."""

    run: K6Run
    conduct: Conduct
    samples: tuple[Sample, ...]
    server_cpu_seconds: float | None
    server_memory_bytes: int | None


def visit_seconds(rate: float) -> float:
    """Seconds between two visits, whole ones."""
    gap = min(_LONGEST_VISIT_GAP, max(_SHORTEST_VISIT_GAP, _VISIT_EVERY / max(rate, 1e-9)))
    return float(round(gap))


def generate(
    site: Site,
    kind: str,
    label: str,
    plan: tuple[Stage, ...],
    progress: LoadProgress,
    *,
    with_visits: bool = True,
    is_search: bool = False,
) -> Load:
    """Send `plan` to the site. An interruption ends the run early and is told by `run.interrupted`."""
    seconds = sum(stage.seconds for stage in plan)
    peak = max(stage.rate for stage in plan)
    ingest_after = seconds / 2 if seconds < INGEST_SECONDS else 0.0
    scenario = Scenario(
        kind,
        peak,
        seconds,
        offset=site.tape.take(peak, seconds),
        ingest_from=site.batches,
        ingest_after=ingest_after,
        stages=arrivals(plan),
        visit_seconds=visit_seconds(peak) if with_visits and site.visits else 0.0,
        visitors=VISITORS,
    )
    site.batches += math.ceil((seconds - ingest_after) / INGEST_SECONDS)
    progress.load(label)
    if site.watch is not None:
        site.watch.start()
    site.meter.start()

    def tick() -> None:
        site.meter.tick()
        progress.tick()

    run = run_k6(site.script, site.base_url, scenario, site.variables, tick=tick, keep_partial=True)
    site.meter.take()
    progress.loaded(seconds)
    others = None if site.watch is None else site.watch.others_ratio()
    conduct = Conduct(label, run.dropped_ratio, run.cpu_ratio, others, is_search)
    return Load(run, conduct, tuple(site.meter.samples), site.meter.cpu_seconds, site.meter.memory_bytes)


def held_p95_ms(run: K6Run) -> float:
    """p95 of all requests of the mix, infinite where there are none."""
    values = run.records.duration_ms[run.records.position >= 0]
    return float(np.percentile(values, 95)) if len(values) else math.inf
