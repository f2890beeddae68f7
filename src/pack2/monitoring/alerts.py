"""The alerts on limits: the guide's five in two tiers, and servers that are down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from pack2.config import Monitoring
from pack2.monitoring.promql import QUERY, READS, RESPONSE, Series
from pack2.monitoring.rules import DEGRADED, DURATION, FAILING, MINUTE, SHARE, Alert, Severity, alert

LEAST_READS: Final = 1
"""Reads a second below which the hit rate is chance: at night every second answer has expired."""


class Limit(msgspec.Struct, frozen=True):
    """`sign` says on which side of `warning` and `critical` it is too much."""

    name: str
    expression: str
    sign: str
    warning: float
    critical: float
    minutes: int
    summary: str
    description: str
    runbook: str = DEGRADED
    condition: str = ""


def limits(job: str) -> tuple[Limit, ...]:
    """The guide's five limits are the warnings, processor and memory apart."""
    five, ten = Series(job, "5m"), Series(job, "10m")
    return (
        Limit(
            "ResponseTime",
            five.quantile(0.95, RESPONSE),
            ">",
            0.5,
            1,
            5,
            f"95 % of the answers take up to {DURATION}",
            "The dashboard's section Errors shows the slowest endpoints.",
        ),
        Limit(
            "QueryTime",
            five.quantile(0.95, QUERY),
            ">",
            0.1,
            0.5,
            5,
            f"95 % of the queries take up to {DURATION}",
            "`pack2 slow` names the statements that cost most.",
        ),
        Limit(
            "HitRate",
            ten.hit_ratio(),
            "<",
            0.85,
            0.5,
            10,
            f"only {SHARE} of the reads come from the cache",
            "`pack2 feed status` and `pack2 cache status` say whether change feed and Redis work.",
            condition=f"and {ten.rate(READS)} > {LEAST_READS}",
        ),
        Limit(
            "Errors",
            five.error_ratio(),
            ">",
            0.01,
            0.05,
            5,
            f"{SHARE} of the answers are errors (5xx)",
            "The dashboard's section Errors shows the endpoints.",
            FAILING,
        ),
        Limit(
            "Cpu",
            five.cpu_ratio(),
            ">",
            0.8,
            0.95,
            15,
            f"the machine's processors are busy to {SHARE}",
            "More workers do not help: more processors do, or fewer misses.",
        ),
        Limit(
            "Memory",
            five.memory_ratio(),
            ">",
            0.85,
            0.95,
            15,
            f"the machine's memory is used to {SHARE}",
            "The dashboard's section Resources shows what grows.",
        ),
    )


def performance(monitoring: Monitoring) -> Iterator[Alert]:
    """Each limit in its two tiers."""
    for limit in limits(monitoring.job):
        tiers: tuple[tuple[Severity, float], ...] = (("warning", limit.warning), ("critical", limit.critical))
        for severity, value in tiers:
            expression = f"{limit.expression}\n{limit.sign} {value:g}"
            yield alert(
                monitoring,
                limit.name,
                severity,
                f"{expression}\n{limit.condition}" if limit.condition else expression,
                for_seconds=limit.minutes * MINUTE,
                summary=limit.summary,
                description=limit.description,
                runbook=limit.runbook,
            )


def servers(monitoring: Monitoring) -> Iterator[Alert]:
    """What is down, or not to be trusted."""
    series = Series(monitoring.job, "5m")
    yield alert(
        monitoring,
        "ApplicationDown",
        "critical",
        f"{series.select('up')} == 0",
        for_seconds=monitoring.down_seconds,
        summary="{{ $labels.instance }} does not answer Prometheus",
        description="It is down, or its PACK2_METRICS_TOKEN is not the one that Prometheus sends.",
        runbook=FAILING,
    )
    yield alert(
        monitoring,
        "PostgresqlDown",
        "critical",
        _down(series, "postgresql"),
        for_seconds=monitoring.down_seconds,
        summary="PostgreSQL does not answer",
        description="What is not in the cache is answered by 503 until it is back.",
        runbook=FAILING,
    )
    yield alert(
        monitoring,
        "RedisDown",
        "warning",
        _down(series, "redis"),
        for_seconds=monitoring.down_seconds,
        summary="Redis does not answer",
        description="Answers come from memory and the database: slower, none of them wrong.",
    )
    yield alert(
        monitoring,
        "ChangeFeedUnproven",
        "warning",
        f"min({series.select('pack2_cache_feed_trusted')}) == 0",
        for_seconds=5 * MINUTE,
        summary="the change feed is unproven",
        description="Until it is proved again the database is asked where the cache could be old.",
    )


def _down(series: Series, server: str) -> str:
    up = series.select("pack2_server_up", f'server="{server}"')
    return f"min({up}) == 0"
