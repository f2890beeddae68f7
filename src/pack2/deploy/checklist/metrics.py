"""The hit rate as the running server counted it, from its metrics in Prometheus' text format."""

from __future__ import annotations

import re
from typing import Final

from pack2.deploy.model import Target
from pack2.proof.client import send

PATH: Final = "/api/metrics"
TOKEN: Final = "PACK2_METRICS_TOKEN"  # noqa: S105  the name of a variable
FEWEST: Final = 1000
"""Reads that a hit rate must stand on."""
_HITS: Final = frozenset(("hit", "hit_redis", "stale"))
_NOT_OURS: Final = frozenset(("anonymous",))
"""Nobody was signed in: the answer is a refusal, which no cache may keep."""
_SAMPLE: Final = re.compile(r'^pack2_cache_requests_total\{outcome="(\w+)"\} ([0-9.e+]+)$', re.MULTILINE)


def counted_reads(target: Target) -> tuple[int, int]:
    """(hits, reads) since the server started; (0, 0) where it shows us no metrics."""
    token = target.environment.get(TOKEN) or target.services.state.secret("metrics")
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/plain;version=0.0.4"}
    answer = send(target.url or "", PATH, headers=headers, timeout_seconds=10)
    return read_hits(answer.body.decode(errors="replace")) if answer.status == 200 else (0, 0)


def read_hits(exposition: str) -> tuple[int, int]:
    """(hits, reads) of the text."""
    outcomes = {name: float(value) for name, value in _SAMPLE.findall(exposition)}
    hits = sum(value for name, value in outcomes.items() if name in _HITS)
    reads = sum(value for name, value in outcomes.items() if name not in _NOT_OURS)
    return round(hits), round(reads)
