"""The tuned variant at 60 % of its own capacity: where a hit rate says something, since requests meet
there."""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from pack2.config import Config
from pack2.loadtest.records import HIT, MISS, Records, route_of
from pack2.proof.capacity import load_of
from pack2.proof.latency import BLOCK_SECONDS
from pack2.proof.model import HitRow, Metric, TunedLoad
from pack2.proof.plan import TUNED_SHARE, Profile
from pack2.proof.stage import Stage
from pack2.proof.statistics import blocks, ratio_interval
from pack2.proof.verdict import HIT_RATE_PER_SECOND


def load_rate(tuned_capacity: float) -> float:
    """60 % of the tuned capacity, but no less than the 200/s that a hit rate needs."""
    return max(HIT_RATE_PER_SECOND, TUNED_SHARE * tuned_capacity)


def cached_routes(config: Config) -> frozenset[str]:
    """Route templates with a policy that stores GETs; `{id:int}` is `{id}` in a request's name."""
    return frozenset(
        re.sub(r"\{(\w+):\w+\}", r"{\1}", policy.route)
        for policy in config.http.policy
        if policy.scope != "none" and "GET" in policy.methods
    )


def has_policy(records: Records, routes: Collection[str]) -> NDArray[np.bool_]:
    """GETs on a route that has a policy: the denominator of the hit rate."""
    names = [name for name in np.unique(records.name) if name.startswith("GET ") and route_of(name) in routes]
    return np.isin(records.name, names)


def measure(
    stage: Stage, profile: Profile, config: Config, tuned_capacity: float, target_percent: float
) -> tuple[TunedLoad, Metric]:
    """Warm up with another part of the sequence, then one long slice."""
    rate = load_rate(tuned_capacity)
    stage.warm_up("after", rate, profile.load_warm_up_seconds)
    offset = stage.tape.take(rate, profile.load_seconds)
    label = f"tuned load at {rate:.0f}/s"
    run, health = stage.run("after", "load", label, rate, profile.load_seconds, offset)
    records = load_of(run.records)
    counted = records.where(has_policy(records, cached_routes(config)))
    hits = (counted.cache == HIT).astype(np.float64)
    reads = records.where(records.api_reads).duration_ms
    ratio = 100 * float(hits.mean()) if len(hits) else 0.0
    interval = (
        ratio_interval(blocks(hits, counted.position, round(rate * BLOCK_SECONDS)))
        if len(hits)
        else (0.0, 0.0)
    )
    load = TunedLoad(
        rate=rate,
        seconds=profile.load_seconds,
        requests=len(records),
        hit_percent=ratio,
        api_p50_ms=float(np.percentile(reads, 50)) if len(reads) else float("nan"),
        api_p95_ms=float(np.percentile(reads, 95)) if len(reads) else float("nan"),
        write_share_percent=100 * float((records.kind == "write").mean()) if len(records) else 0.0,
        generator_cpu_ratio=health.generator_cpu_ratio,
        warm_up_seconds=profile.load_warm_up_seconds,
        routes=by_route(counted),
    )
    note = f"in points, at {rate:.0f} requests/s with {load.write_share_percent:.1f} % writes"
    return load, Metric(0.0, ratio, ratio, interval, target_percent, len(hits), note=note)


def by_route(counted: Records) -> tuple[HitRow, ...]:
    """Where the misses come from: what a policy, a tag or a time-to-live could still gain."""
    rows = []
    for name in np.unique(counted.name):
        chosen = counted.where(counted.name == name)
        misses = chosen.duration_ms[chosen.cache == MISS]
        rows.append(
            HitRow(
                name=str(name),
                requests=len(chosen),
                hit_percent=100 * float((chosen.cache == HIT).mean()),
                miss_p95_ms=float(np.percentile(misses, 95)) if len(misses) else None,
            )
        )
    return tuple(sorted(rows, key=lambda row: row.requests * (row.hit_percent - 100)))
