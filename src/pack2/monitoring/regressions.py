"""The guide's four regressions against the seven days before, and the series that they look back at.

Buckets and counts are what is averaged over the days, never a percentile and never a ratio. Nothing is said
until there is a day to compare with.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from pack2.config import Monitoring
from pack2.monitoring.alerts import LEAST_READS
from pack2.monitoring.promql import HITS, QUERY, READS, REQUESTS, RESPONSE, Series
from pack2.monitoring.rules import DEGRADED, DURATION, FAILING, MINUTE, SHARE, Alert, Recorded, alert

BUSY_CORES: Final = 0.3
"""Below that use of processors nothing is a spike."""

_RESPONSES: Final = f"pack2:{RESPONSE}_bucket:rate5m"
_QUERIES: Final = f"pack2:{QUERY}_bucket:rate5m"
_HITS: Final = "pack2:cache_hits:rate5m"
_READS: Final = "pack2:cache_reads:rate5m"
_REQUESTS: Final = "pack2:http_requests:rate5m"
_ERRORS: Final = "pack2:http_errors:rate5m"
_ERROR_RATIO: Final = "pack2:http_errors:ratio5m"
_CPU: Final = "pack2:worker_cpu:rate5m"
_MEMORY: Final = "pack2:worker_memory:bytes"


def history(monitoring: Monitoring) -> Iterator[Recorded]:
    """What Prometheus computes and keeps."""
    five = Series(monitoring.job, "5m")
    for name, expression in (
        (_RESPONSES, five.rate(f"{RESPONSE}_bucket", by="le")),
        (_QUERIES, five.rate(f"{QUERY}_bucket", by="le")),
        (_HITS, five.rate(READS, match=HITS)),
        (_READS, five.rate(READS)),
        (_REQUESTS, five.rate(REQUESTS)),
        (_ERRORS, five.errors()),
        # Without requests there is no ratio: one NaN would spoil seven days.
        (_ERROR_RATIO, f"{five.errors()} / ({five.rate(REQUESTS)} > 0)"),
        (_CPU, five.rate("pack2_worker_cpu_seconds_total")),
        (_MEMORY, f"sum({five.select('pack2_worker_memory_bytes')})"),
    ):
        yield Recorded(name, expression, {"job": monitoring.job})


def regressions(monitoring: Monitoring) -> Iterator[Alert]:
    """Response and query time + 20 %, hit rate - 10 %, errors + 2 standard deviations, processor and memory
    + 50 %.
    """
    series = Series(monitoring.job, "5m")
    now, week = series.select, partial(_week, series)
    regression = partial(_regression, monitoring, f"{now(_REQUESTS)} offset 1d")
    for name, buckets in (("ResponseTime", _RESPONSES), ("QueryTime", _QUERIES)):
        yield regression(
            name,
            f"{_p95(now(buckets))}\n> 1.2 *\n{_p95(week(buckets))}",
            f"p95 is {DURATION}, over 20 % above that of the last 7 days",
        )
    yield regression(
        "HitRate",
        f"{now(_HITS)} / {now(_READS)}\n< 0.9 *\n{week(_HITS)} / {week(_READS)}\n"
        f"and {now(_READS)} > {LEAST_READS}",
        f"the hit rate is {SHARE}, over 10 % below that of the last 7 days",
    )
    yield regression(
        "Errors",
        f"{now(_ERROR_RATIO)}\n> {week(_ERRORS)} / {week(_REQUESTS)}\n"
        f"+ 2 * stddev_over_time({now(_ERROR_RATIO)}[7d])",
        f"{SHARE} of the answers are errors, over 2 standard deviations more than in the last 7 days",
        FAILING,
    )
    yield regression(
        "Cpu",
        f"{now(_CPU)}\n> 1.5 *\n{week(_CPU)}\nand {now(_CPU)} > {BUSY_CORES}",
        "the workers use {{ $value | humanize }} processors, over 50 % more than in the last 7 days",
    )
    yield regression(
        "Memory",
        f"{now(_MEMORY)}\n> 1.5 *\n{week(_MEMORY)}",
        "the workers use {{ $value | humanize1024 }}B of memory, over 50 % more than in the last 7 days",
    )


def _week(series: Series, name: str) -> str:
    return f"avg_over_time({series.select(name)}[7d])"


def _p95(buckets: str) -> str:
    return f"histogram_quantile(0.95, sum by (job, le) ({buckets}))"


def _regression(
    monitoring: Monitoring, a_day_ago: str, name: str, expression: str, summary: str, runbook: str = DEGRADED
) -> Alert:
    return alert(
        monitoring,
        f"{name}Regression",
        "info",
        f"({expression})\nand {a_day_ago}",
        for_seconds=10 * MINUTE,
        summary=summary,
        description="`pack2 regress check` measures whether this build is slower than the accepted one.",
        runbook=runbook,
    )
