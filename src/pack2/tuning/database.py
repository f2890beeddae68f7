"""Recommendations from PostgreSQL's own statistics: slow statements, missing and superfluous indexes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg

from pack2.database.connection import Connection, connect
from pack2.database.index_file import quote
from pack2.database.index_usage import IndexUsage, usage
from pack2.database.maintenance import findings
from pack2.database.slow import schema_of_statements, shorten
from pack2.tuning.recommendation import Recommendation
from pack2.tuning.scans import index_columns, is_covered, wasteful_scans

SLOW_MILLISECONDS: Final = 100.0
LEAST_CALLS: Final = 5
LEAST_SHARE: Final = 0.01
UNUSED_AFTER: Final = timedelta(days=7)
LEAST_INDEX_BYTES: Final = 1_000_000

_STATEMENTS = """
SELECT s.query, sum(s.calls)::bigint, sum(s.total_exec_time), max(s.mean_exec_time),
       sum(s.total_exec_time) / nullif(sum(sum(s.total_exec_time)) OVER (), 0)
FROM {schema}.pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
WHERE d.datname = current_database() AND s.query ~* '^\\s*(select|with|insert|update|delete|merge)'
      AND s.query !~ 'INTO "?pack2_tuning"?[.]'
GROUP BY s.query
HAVING sum(s.calls) >= %s
ORDER BY sum(s.total_exec_time) DESC LIMIT 100"""
_ROWS = """
SELECT n.nspname, c.relname, greatest(c.reltuples, 0) FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm') AND n.nspname <> 'pg_catalog'"""
_INDEXES = """
SELECT n.nspname, t.relname, array_agg(a.attname ORDER BY k.place)
FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY k (attnum, place)
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
WHERE x.indisvalid AND x.indpred IS NULL AND k.place <= x.indnkeyatts
GROUP BY n.nspname, t.relname, x.indexrelid"""


def of_database(url: str, *, now: datetime | None = None) -> tuple[Recommendation, ...]:
    """Everything that the database at `url` says by itself. Raises StatementsMissingError."""
    with connect(url) as connection:
        schema = schema_of_statements(connection)
        statements = connection.execute(_STATEMENTS.format(schema=schema), (LEAST_CALLS,)).fetchall()
        found = [*_from_statements(connection, statements), *_upkeep(connection)]
    report = usage(url)
    return (*found, *superfluous(report.indexes, report.since, now or datetime.now(UTC)))


def superfluous(
    indexes: Iterable[IndexUsage], since: datetime | None, now: datetime
) -> tuple[Recommendation, ...]:
    """Indexes that only cost writers: same as or prefix of another; never used for a week."""
    found = []
    for index in indexes:
        if index.is_constraint or index.size_bytes < LEAST_INDEX_BYTES:
            continue
        covered = next((flag for flag in index.flags if flag.startswith(("same as", "prefix of"))), "")
        unused = "never used" in index.flags and since is not None and now - since >= UNUSED_AFTER
        if covered:
            evidence = f"{covered}; {index.size_bytes:,} bytes"
        elif unused and since is not None:
            evidence = f"0 scans in {(now - since).days} days; {index.size_bytes:,} bytes"
        else:
            continue
        command = f"DROP INDEX CONCURRENTLY {index.name};"
        found.append(Recommendation("index", index.name, "drop it", evidence, command))
    return tuple(found)


def _from_statements(connection: Connection, statements: list[tuple[Any, ...]]) -> list[Recommendation]:
    rows_of = {(row[0], row[1]): float(row[2]) for row in connection.execute(_ROWS).fetchall()}
    existing: dict[tuple[str, str], list[list[str]]] = {}
    for schema, table, columns in connection.execute(_INDEXES).fetchall():
        existing.setdefault((schema, table), []).append(columns)
    missing: dict[tuple[str, str, tuple[str, ...]], list[tuple[str, float, int]]] = {}
    slow: list[Recommendation] = []
    for query, calls, total, mean, share in statements:
        text, served = shorten(query), False
        plan = _plan(connection, query)
        for scan in wasteful_scans(plan, rows_of) if plan else ():
            columns = index_columns(scan.filter)
            place = (scan.schema, scan.table)
            if columns and not is_covered(columns, existing.get(place, [])):
                missing.setdefault((*place, columns), []).append((text, total / 1000, calls))
                served = True
        if not served and mean >= SLOW_MILLISECONDS and (share or 0) >= LEAST_SHARE:
            evidence = f"{mean:.0f} ms a call, {calls} calls, {share:.0%} of the database's time"
            advice = "no plain index would serve it: look at its plan"
            slow.append(Recommendation("query", text, advice, evidence, "pack2 slow", total / 1000))
    return [*(_missing(place, found) for place, found in missing.items()), *slow]


def _missing(place: tuple[str, str, tuple[str, ...]], found: list[tuple[str, float, int]]) -> Recommendation:
    schema, table, columns = place
    seconds = sum(total for _, total, _ in found)
    calls = sum(count for _, _, count in found)
    name = quote(f"idx_{table}_{'_'.join(columns)}"[:63])
    listed = ", ".join(map(quote, columns))
    return Recommendation(
        "index",
        f"{schema}.{table} ({', '.join(columns)})",
        "build it; `pack2 indexes verify` measures whether it pays",
        f"{seconds:.2f} s in {calls} calls that read the whole table, such as {found[0][0][:80]}",
        f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {quote(schema)}.{quote(table)} ({listed});",
        seconds,
    )


def _plan(connection: Connection, query: str) -> dict[str, Any] | None:
    """The generic plan of a normalised statement; None for what can not be explained."""
    try:
        row = connection.execute(f"EXPLAIN (GENERIC_PLAN, VERBOSE, FORMAT JSON) {query}").fetchone()
    except psycopg.Error:
        return None
    document = row[0] if row else "[]"
    plans = json.loads(document) if isinstance(document, str) else document
    return plans[0]["Plan"] if plans else None


def _upkeep(connection: Connection) -> list[Recommendation]:
    return [
        Recommendation("maintenance", finding.object, finding.kind, finding.evidence, "pack2 maintain")
        for finding in findings(connection)
    ]
