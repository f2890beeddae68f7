"""Every metric that Pack 2 exports: name, kind, labels and what it says. An application adds its own.

Labels come from closed sets (route templates, names of queries, outcomes), never from a request's values, so
no user, address, query text or cache key can become one. Bucket edges stand on the targets.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

Kind = Literal["counter", "gauge", "histogram"]

RESPONSE_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)
QUERY_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
ANSWER_SECONDS: Final = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5)


class Family(msgspec.Struct, frozen=True):
    """`merge` says how a gauge's values of several processes become one: their sum, maximum or minimum."""

    name: str
    kind: Kind
    text: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    merge: Literal["sum", "max", "min"] = "sum"


def by_name(*families: Family) -> dict[str, Family]:
    return {family.name: family for family in families}


def counters(*rows: tuple[str, str, tuple[str, ...]]) -> Iterable[Family]:
    return (Family(name, "counter", text, labels) for name, text, labels in rows)


def gauges(*rows: tuple[str, str, tuple[str, ...]]) -> Iterable[Family]:
    return (Family(name, "gauge", text, labels) for name, text, labels in rows)


PROCESS: Final = by_name(
    *counters(
        ("pack2_http_requests_total", "Requests answered.", ("route", "method", "status")),
        ("pack2_http_response_bytes_total", "Bytes of answers' bodies.", ("route",)),
        ("pack2_http_exceptions_total", "Requests that ended in an exception.", ()),
        ("pack2_cache_requests_total", "Reads of routes with a policy, by what the cache did.", ("outcome",)),
        ("pack2_cache_route_requests_total", "The same by route: from the cache or not.", ("route", "from")),
        ("pack2_cache_evictions_total", "Entries that had to leave memory.", ()),
        ("pack2_cache_refresh_ahead_total", "Entries loaded before they were asked for.", ("outcome",)),
        ("pack2_cache_feed_messages_total", "Messages of the change feed.", ()),
        ("pack2_cache_feed_flushes_total", "Times that everything was expired after a gap.", ()),
        ("pack2_cache_redis_errors_total", "Commands that Redis did not answer.", ()),
        ("pack2_database_queries_total", "Statements run.", ("query",)),
        ("pack2_database_query_seconds_total", "Time of statements.", ("query",)),
        ("pack2_database_query_errors_total", "Statements that failed.", ()),
        ("pack2_database_pool_waits_total", "Times that a connection was asked for.", ()),
        ("pack2_database_pool_wait_seconds_total", "Time until a connection was had.", ()),
        ("pack2_database_pool_failures_total", "Times that no connection was had.", ()),
        ("pack2_workers_started_total", "Worker processes started since the server was.", ()),
        ("pack2_worker_cpu_seconds_total", "Processor time of the workers.", ("mode",)),
        ("pack2_worker_context_switches_total", "Context switches of the workers.", ("kind",)),
        ("pack2_gc_collections_total", "Garbage collections.", ("generation",)),
        ("pack2_gc_collected_objects_total", "Objects that they freed.", ("generation",)),
        ("pack2_gc_uncollectable_objects_total", "Objects that they could not free.", ("generation",)),
        ("pack2_gc_pause_seconds_total", "Time that they took.", ()),
    ),
    *gauges(
        ("pack2_http_requests_in_progress", "Requests that wait for their answer.", ()),
        ("pack2_cache_memory_entries", "Entries in memory.", ()),
        ("pack2_cache_memory_bytes", "Bytes of the entries in memory.", ()),
        ("pack2_cache_memory_budget_bytes", "What the memory tier may take.", ()),
        ("pack2_cache_tags", "Tags that entries carry.", ()),
        ("pack2_cache_loads", "Loads that are under way.", ()),
        ("pack2_database_pool_connections", "Connections of the pool.", ("state",)),
        ("pack2_database_pool_limit", "Connections that the pool may open.", ()),
        ("pack2_live_streams", "Open event streams.", ()),
        ("pack2_workers", "Worker processes alive.", ()),
        ("pack2_worker_memory_bytes", "Resident memory of the workers.", ()),
        ("pack2_worker_open_files", "Open files of the workers.", ()),
        ("pack2_worker_threads", "Threads of the workers.", ()),
    ),
    Family("pack2_cache_feed_trusted", "gauge", "1 while every worker's change feed is proved.", merge="min"),
    Family("pack2_cache_redis_up", "gauge", "1 while every worker's Redis tier is in use.", merge="min"),
    Family("pack2_worker_start_time_seconds", "gauge", "When the youngest worker started.", merge="max"),
    Family("pack2_event_loop_lag_seconds", "gauge", "How late the latest event loop was.", merge="max"),
    Family(
        "pack2_http_request_duration_seconds",
        "histogram",
        "Time to answer; event streams are left out.",
        ("route",),
        RESPONSE_SECONDS,
    ),
    Family(
        "pack2_cache_answer_duration_seconds",
        "histogram",
        "Time of answers that the cache gave.",
        ("source",),
        ANSWER_SECONDS,
    ),
    Family(
        "pack2_database_query_duration_seconds", "histogram", "Time of a statement.", buckets=QUERY_SECONDS
    ),
)
"""What worker processes count; a scrape of any of them answers for all."""

SERVERS: Final = by_name(
    *gauges(
        ("pack2_server_up", "1 while the server answers the scrape.", ("server",)),
        ("pack2_machine_processors", "Processors of the machine.", ()),
        ("pack2_machine_memory_bytes", "Memory of the machine.", ()),
        ("pack2_machine_memory_available_bytes", "Memory that can be had without swapping.", ()),
        ("pack2_postgresql_connections", "Sessions of the server.", ("state",)),
        ("pack2_postgresql_connections_limit", "max_connections.", ()),
        ("pack2_postgresql_database_bytes", "Size of the database.", ()),
        ("pack2_postgresql_oldest_transaction_seconds", "Age of the oldest open transaction.", ()),
        ("pack2_postgresql_dead_rows", "Dead rows in all tables.", ()),
        ("pack2_postgresql_live_rows", "Rows in all tables, as statistics know them.", ()),
        ("pack2_jobs", "Background jobs.", ("status",)),
        ("pack2_redis_memory_bytes", "Memory that Redis uses.", ()),
        ("pack2_redis_memory_limit_bytes", "maxmemory; 0: none.", ()),
        ("pack2_redis_connected_clients", "Clients of Redis.", ()),
    ),
    *counters(
        ("pack2_machine_busy_seconds_total", "Time that the machine's processors were busy.", ()),
        ("pack2_postgresql_blocks_total", "Blocks asked for: hit in shared memory, or read.", ("from",)),
        ("pack2_postgresql_transactions_total", "Transactions.", ("end",)),
        ("pack2_postgresql_deadlocks_total", "Deadlocks.", ()),
        ("pack2_postgresql_temporary_bytes_total", "Bytes that sorts and hashes wrote to disk.", ()),
        ("pack2_redis_commands_total", "Commands that Redis ran.", ()),
        ("pack2_redis_evicted_keys_total", "Keys that Redis evicted.", ()),
        ("pack2_redis_expired_keys_total", "Keys whose time was over.", ()),
        ("pack2_redis_keyspace_total", "Look-ups of keys.", ("result",)),
    ),
)
"""What the worker that is scraped asks the servers, and the machine."""
