"""What Pack 2 promises, as changes in percent (the hit rate in points); `pack2 prove` judges these and
nothing else."""

from __future__ import annotations

API_P95 = -75.0
DATABASE_P95 = -80.0
HIT_POINTS = 85.0
CAPACITY = 300.0
PAGE_REPEAT = -75.0

REQUIRED = (
    "api_p50_ms",
    "api_p95_ms",
    "db_query_p95_ms",
    "cache_hit_percent",
    "capacity_rps",
    "write_p95_ms",
)
MINIMUM_PERCENTILES = {"api_p95_ms": 95.0, "db_query_p95_ms": 95.0, "api_p50_ms": 50.0}
