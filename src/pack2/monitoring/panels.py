"""What the dashboard shows, in the guide's seven sections; how Grafana draws it is `dashboard.py`'s concern.

Every query has an answer while the application is scraped: a panel that may have nothing to show shows 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal

import msgspec

from pack2.config import Monitoring
from pack2.monitoring.promql import QUERY, READS, REQUESTS, RESPONSE, Series

WINDOW: Final = "$__rate_interval"
Kind = Literal["stat", "lines", "heatmap", "ranking"]
Limits = tuple[float, ...]


class Query(msgspec.Struct, frozen=True):
    """`expression` and the name of its lines, `{{label}}` filled in."""

    expression: str
    legend: str = ""


class Panel(msgspec.Struct, frozen=True):
    """`limits` are where it turns yellow and red; they fall where less is worse."""

    title: str
    kind: Kind
    unit: str
    queries: tuple[Query, ...]
    text: str = ""
    limits: Limits = ()
    columns: int = 8


class Section(msgspec.Struct, frozen=True):
    title: str
    panels: tuple[Panel, ...]


def queries(monitoring: Monitoring, window: str) -> Iterator[tuple[str, str]]:
    """Every panel's title and query, with `window` for the one that Grafana would choose."""
    for section in sections(monitoring):
        for panel in section.panels:
            for query in panel.queries:
                yield f"{section.title}: {panel.title}", query.expression.replace(WINDOW, window)


def sections(monitoring: Monitoring) -> tuple[Section, ...]:
    """The seven; that of the business has what the application declares, and is left out without."""
    series = Series(monitoring.job, WINDOW)
    found = (
        Section("System health", _health(series)),
        Section("API", _api(series)),
        Section("Database", (*_queries(series), *_postgresql(series))),
        Section("Cache", (*_cache(series), *_redis(series))),
        Section("Business", tuple(_business(monitoring))),
        Section("Errors", _errors(series)),
        Section("Resources", _resources(series)),
    )
    return tuple(section for section in found if section.panels)


def _stat(title: str, unit: str, expression: str, text: str = "", limits: Limits = ()) -> Panel:
    return Panel(title, "stat", unit, (Query(expression),), text, limits, columns=4)


def _lines(title: str, unit: str, *queries: tuple[str, str], text: str = "") -> Panel:
    return Panel(title, "lines", unit, tuple(Query(*query) for query in queries), text)


def _heatmap(title: str, series: Series, family: str) -> Panel:
    counts = f"sum by (le) (increase({series.select(family + '_bucket')}[{series.window}]))"
    return Panel(title, "heatmap", "s", (Query(counts, "{{le}}"),), columns=12)


def _percentiles(series: Series, family: str) -> Iterable[tuple[str, str]]:
    return ((series.quantile(q, family), name) for q, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")))


def _health(series: Series) -> tuple[Panel, ...]:
    servers = f"min by (server) ({series.select('pack2_server_up')})"
    trusted = f"min({series.select('pack2_cache_feed_trusted')})"
    return (
        _stat("Response time, p95", "s", series.quantile(0.95, RESPONSE), "Limit: 500 ms.", (0.2, 0.5)),
        _stat("Requests", "reqps", series.rate(REQUESTS)),
        _stat("Errors", "percentunit", series.error_ratio(), "Answers with 5xx. Limit: 1 %.", (0.001, 0.01)),
        _stat("Hit rate", "percentunit", series.hit_ratio(), "Limit: 85 %.", (0.9, 0.85)),
        _stat("Query time, p95", "s", series.quantile(0.95, QUERY), "Limit: 100 ms.", (0.03, 0.1)),
        _stat("Change feed proved", "bool_yes_no", trusted, "While it is not, the cache is bypassed."),
        _lines("Servers that answer", "short", (servers, "{{server}}"), text="1: it answers, 0: it is down."),
        _lines(
            "Requests that wait", "short", (_sum(series, "pack2_http_requests_in_progress"), "in progress")
        ),
        _lines(
            "Workers and streams",
            "short",
            (_sum(series, "pack2_workers"), "workers"),
            (_sum(series, "pack2_live_streams"), "event streams"),
        ),
    )


def _api(series: Series) -> tuple[Panel, ...]:
    return (
        _heatmap("Distribution of response times", series, RESPONSE),
        msgspec.structs.replace(
            _lines("Response time", "s", *_percentiles(series, RESPONSE), text="Event streams are left out."),
            columns=12,
        ),
        _lines(
            "Requests by endpoint",
            "reqps",
            (f"topk(10, {series.rate(REQUESTS, by='route')})", "{{route}}"),
        ),
        _lines("Answers by status", "reqps", (series.rate(REQUESTS, by="status"), "{{status}}")),
        _lines("Bytes sent", "Bps", (series.rate("pack2_http_response_bytes_total"), "bodies")),
    )


def _queries(series: Series) -> tuple[Panel, ...]:
    seconds = series.rate("pack2_database_query_seconds_total", by="query")
    waited = series.rate("pack2_database_pool_wait_seconds_total")
    pool = f"sum by (state) ({series.select('pack2_database_pool_connections')})"
    return (
        _heatmap("Query times", series, QUERY),
        msgspec.structs.replace(_lines("Query time", "s", *_percentiles(series, QUERY)), columns=12),
        _lines("Time by query", "s", (f"topk(10, {seconds})", "{{query}}"), text="Seconds a second."),
        _lines("Queries", "ops", (series.rate("pack2_database_queries_total"), "queries")),
        _lines(
            "Connection pool",
            "short",
            (pool, "{{state}}"),
            (_sum(series, "pack2_database_pool_limit"), "limit"),
        ),
        _lines(
            "Wait for a connection",
            "s",
            (f"{waited} / ({series.rate('pack2_database_pool_waits_total')} > 0) or vector(0)", "mean"),
        ),
    )


def _postgresql(series: Series) -> tuple[Panel, ...]:
    blocks = "pack2_postgresql_blocks_total"
    connections = f"max by (state) ({series.select('pack2_postgresql_connections')})"
    rows = (_max(series, f"pack2_postgresql_{kind}_rows") for kind in ("dead", "live"))
    found = series.rate(blocks, match='from="memory"')
    in_memory = f"{found} / ({series.rate(blocks)} > 0) or vector(1)"
    return (
        _lines(
            "Sessions of PostgreSQL",
            "short",
            (connections, "{{state}}"),
            (_max(series, "pack2_postgresql_connections_limit"), "limit"),
        ),
        _lines(
            "Transactions", "ops", (series.rate("pack2_postgresql_transactions_total", by="end"), "{{end}}")
        ),
        _lines("Blocks found in memory", "percentunit", (in_memory, "found")),
        _lines(
            "Oldest transaction",
            "s",
            (_max(series, "pack2_postgresql_oldest_transaction_seconds"), "age"),
        ),
        _lines(
            "Deadlocks and sorts on disk",
            "short",
            (series.rate("pack2_postgresql_deadlocks_total"), "deadlocks/s"),
            (series.rate("pack2_postgresql_temporary_bytes_total"), "temporary bytes/s"),
        ),
        _lines("Rows", "short", *zip(rows, ("dead", "live"), strict=True)),
        _lines("Size of the database", "bytes", (_max(series, "pack2_postgresql_database_bytes"), "size")),
    )


def _cache(series: Series) -> tuple[Panel, ...]:
    kinds = f"{series.rate(READS, by='outcome')} / on () group_left () {series.rate(READS)}"
    of_route = "pack2_cache_route_requests_total"
    from_cache = series.rate(of_route, by="route", match='from="cache"')
    by_route = f"{from_cache} / ({series.rate(of_route, by='route')} > 0)"
    answers = series.quantile(0.95, "pack2_cache_answer_duration_seconds", by="source")
    return (
        _lines(
            "Hit rate",
            "percentunit",
            (series.hit_ratio(), "all"),
            (series.hit_ratio('outcome="hit"'), "memory"),
            (series.hit_ratio('outcome="hit_redis"'), "Redis"),
        ),
        _lines("Reads by outcome", "percentunit", (kinds, "{{outcome}}"), text="Shares of all reads."),
        _lines("Reads", "ops", (series.rate(READS, by="outcome"), "{{outcome}}")),
        Panel(
            "Hit rate by endpoint",
            "ranking",
            "percentunit",
            (Query(f"bottomk(10, {by_route})", "{{route}}"),),
            "The ten with the fewest hits.",
        ),
        _lines("Time of cached answers, p95", "s", (f"{answers} > 0 or vector(0)", "{{source}}")),
        _lines(
            "Memory of the cache",
            "bytes",
            (_sum(series, "pack2_cache_memory_bytes"), "used"),
            (_sum(series, "pack2_cache_memory_budget_bytes"), "budget"),
        ),
        _lines(
            "Entries and tags",
            "short",
            (_sum(series, "pack2_cache_memory_entries"), "entries"),
            (_sum(series, "pack2_cache_tags"), "tags"),
        ),
        _lines(
            "Changes and refreshes",
            "ops",
            (series.rate("pack2_cache_feed_messages_total"), "changes told"),
            (series.rate("pack2_cache_refresh_ahead_total", by="outcome"), "refreshed: {{outcome}}"),
            (series.rate("pack2_cache_evictions_total"), "evicted"),
        ),
    )


def _redis(series: Series) -> tuple[Panel, ...]:
    return (
        _lines(
            "Redis: memory",
            "bytes",
            (_max(series, "pack2_redis_memory_bytes"), "used"),
            (_max(series, "pack2_redis_memory_limit_bytes"), "limit (0: none)"),
        ),
        _lines(
            "Redis: operations",
            "ops",
            (series.rate("pack2_redis_commands_total"), "commands"),
            (series.rate("pack2_redis_keyspace_total", by="result"), "{{result}}"),
        ),
        _lines(
            "Redis: keys that went",
            "ops",
            (series.rate("pack2_redis_evicted_keys_total"), "evicted"),
            (series.rate("pack2_redis_expired_keys_total"), "expired"),
        ),
    )


def _business(monitoring: Monitoring) -> Iterable[Panel]:
    return (_lines(panel.title, panel.unit, (panel.query, panel.legend)) for panel in monitoring.panel)


def _errors(series: Series) -> tuple[Panel, ...]:
    slowest = f"topk(10, {series.quantile(0.95, RESPONSE, by='route')} > 0)"
    failures = (
        ("pack2_http_exceptions_total", "exceptions"),
        ("pack2_database_query_errors_total", "queries"),
        ("pack2_database_pool_failures_total", "no connection"),
        ("pack2_cache_redis_errors_total", "Redis"),
        ("pack2_cache_feed_flushes_total", "change feed gaps"),
    )
    return (
        Panel(
            "Errors by endpoint",
            "ranking",
            "reqps",
            (Query(f"topk(10, {series.errors('route')})", "{{route}}"),),
            "Answers with 5xx.",
        ),
        Panel("Slowest endpoints, p95", "ranking", "s", (Query(slowest, "{{route}}"),)),
        _lines("Failures", "ops", *((series.rate(family), name) for family, name in failures)),
    )


def _resources(series: Series) -> tuple[Panel, ...]:
    generation = series.rate("pack2_gc_collections_total", by="generation")
    kind = series.rate("pack2_worker_context_switches_total", by="kind")
    return (
        _lines("CPU of the machine", "percentunit", (series.cpu_ratio(), "busy"), text="Limit: 80 %."),
        _lines("Memory of the machine", "percentunit", (series.memory_ratio(), "used"), text="Limit: 85 %."),
        _lines(
            "CPU of the workers",
            "short",
            (series.rate("pack2_worker_cpu_seconds_total", by="mode"), "{{mode}}"),
        ),
        _lines("Memory of the workers", "bytes", (_sum(series, "pack2_worker_memory_bytes"), "resident")),
        _lines(
            "Garbage collection: time", "percentunit", (series.rate("pack2_gc_pause_seconds_total"), "pauses")
        ),
        _lines("Garbage collection: runs", "ops", (generation, "generation {{generation}}")),
        _lines("Event loop lag", "s", (_max(series, "pack2_event_loop_lag_seconds"), "latest")),
        _lines(
            "Files and threads",
            "short",
            (_sum(series, "pack2_worker_open_files"), "open files"),
            (_sum(series, "pack2_worker_threads"), "threads"),
        ),
        _lines("Context switches", "ops", (kind, "{{kind}}")),
    )


def _sum(series: Series, family: str) -> str:
    return f"sum({series.select(family)})"


def _max(series: Series, family: str) -> str:
    return f"max({series.select(family)})"
