"""Executing named queries with their sample parameters as the application does, and counting what they cost.

The application's driver prepares each statement, and after five executions PostgreSQL may change to a
generic plan. So a query is prepared, executed five times, and only then measured, under `plan_cache_mode
= auto`: what is measured is the plan that production keeps.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import psycopg

from pack2.database.connection import Connection
from pack2.database.errors import SampleError
from pack2.database.queries import NamedQuery

EXECUTIONS_BEFORE_GENERIC = 5
_NAME = "pack2_measured"


class SampledQuery(msgspec.Struct, frozen=True):
    """A query and its parameter rows, each a text `'a', 'b'` for EXECUTE."""

    query: NamedQuery
    arguments: tuple[str, ...]


class Execution(msgspec.Struct, frozen=True):
    """One execution: planning and execution time, blocks touched in shared memory, indexes used."""

    milliseconds: float
    buffers: int
    indexes: frozenset[str]


def sample(connection: Connection, queries: Iterable[NamedQuery], limit: int = 6) -> tuple[SampledQuery, ...]:
    """The queries that have a `-- sample:`, each with up to `limit` of its parameter rows, evenly chosen."""
    return tuple(
        SampledQuery(query, _arguments(connection, query, limit)) for query in queries if query.sample_sql
    )


def _arguments(connection: Connection, query: NamedQuery, limit: int) -> tuple[str, ...]:
    try:
        result = connection.execute(query.sample_sql or "").pgresult
    except psycopg.Error as error:
        raise SampleError(name=query.name, path=query.path, reason=str(error).splitlines()[0]) from None
    assert result is not None
    if result.ntuples == 0:
        raise SampleError(name=query.name, path=query.path, reason="its sample has no rows")
    step = max(1, result.ntuples // limit)
    rows = range(0, result.ntuples, step)[:limit]
    return tuple(
        ", ".join(_literal(result.get_value(row, column)) for column in range(result.nfields)) for row in rows
    )


def _literal(value: bytes | None) -> str:
    return "NULL" if value is None else "'" + value.decode("utf-8").replace("'", "''") + "'"


def execute(connection: Connection, sampled: SampledQuery) -> tuple[Execution, ...]:
    """Prepare anew, warm up, then execute once with each parameter row."""
    query = sampled.query
    try:
        connection.execute(f"PREPARE {_NAME} AS {query.sql}")
        try:
            for number in range(EXECUTIONS_BEFORE_GENERIC):
                connection.execute(f"EXECUTE {_call(sampled.arguments[number % len(sampled.arguments)])}")
            return tuple(_explain(connection, arguments) for arguments in sampled.arguments)
        finally:
            if connection.info.transaction_status != psycopg.pq.TransactionStatus.INERROR:
                connection.execute(f"DEALLOCATE {_NAME}")
    except psycopg.DataError as error:
        raise SampleError(name=query.name, path=query.path, reason=str(error).splitlines()[0]) from None
    except psycopg.ProgrammingError as error:
        raise SampleError(name=query.name, path=query.path, reason=str(error).splitlines()[0]) from None


def _call(arguments: str) -> str:
    return f"{_NAME}({arguments})" if arguments else _NAME


def _explain(connection: Connection, arguments: str) -> Execution:
    row = connection.execute(
        f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE {_call(arguments)}"
    ).fetchone()
    assert row is not None
    document = row[0][0] if isinstance(row[0], list) else json.loads(row[0])[0]
    plan = document["Plan"]
    return Execution(
        milliseconds=document["Planning Time"] + document["Execution Time"],
        buffers=plan["Shared Hit Blocks"] + plan["Shared Read Blocks"],
        indexes=frozenset(_indexes(plan)),
    )


def _indexes(plan: dict[str, Any]) -> Iterator[str]:
    if "Index Name" in plan:
        yield plan["Index Name"]
    for child in plan.get("Plans", ()):
        yield from _indexes(child)
