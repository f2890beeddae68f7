"""Makes a run small enough to be kept and compared: histograms by route, counts, what the servers used."""

from __future__ import annotations

import numpy as np

from pack2.loadtest.generate import Load
from pack2.loadtest.histogram import Histogram, histogram
from pack2.loadtest.records import HIT, UNCACHED, Records
from pack2.loadtest.result import RunDigest
from pack2.loadtest.thresholds import api_requests

FEWEST = 20
"""Requests that a route needs in one run to have a histogram: fewer say nothing about a p95."""


def digest(load: Load, judged: Records) -> RunDigest:
    """`judged`: the run's requests without warm-up and ramps; CPU is that of the whole run a request."""
    api = judged.where(api_requests(judged))
    looked = (
        api.cache[(api.cache != UNCACHED) & np.char.startswith(api.name, "GET ")] if len(api) else api.cache
    )
    sent = len(load.run.records)
    cpu = load.server_cpu_seconds
    return RunDigest(
        latency=histogram(api.duration_ms),
        database=histogram(api.database_ms[~np.isnan(api.database_ms)]),
        routes=by_route(api),
        requests=len(judged),
        failed=int(judged.failed.sum()),
        hits=int((looked == HIT).sum()),
        cacheable=len(looked),
        server_cpu_ms_per_request=1000 * cpu / sent if cpu is not None and sent else None,
        server_memory_bytes=load.server_memory_bytes,
    )


def by_route(api: Records) -> dict[str, Histogram]:
    names, counts = np.unique(api.name, return_counts=True)
    often = names[counts >= FEWEST]
    return {str(name): histogram(api.duration_ms[api.name == name]) for name in often}
