"""The database alone: one fixed set of (query, parameters) on both databases, alternating, on one
connection each.

Weights are the calls that the load made on the untuned server (pg_stat_statements, joined by the `/* name
*/` at each
statement's start). Time is taken around a prepared statement's execution and fetch, as the application
runs it: waiting
for a pooled connection is no part of it. Sample rows come from the untuned database and go to both.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import numpy as np

from pack2.database.queries import NamedQuery
from pack2.proof.model import QueryRow, Variant
from pack2.proof.plan import Profile
from pack2.proof.statistics import Change, minimum_samples, paired_change

BLOCK = 10
_CALLS = r"""
SELECT (regexp_match(query, '^\w+ /\* ([a-z][a-z0-9_]*) \*/'))[1] AS name, sum(calls)::bigint AS calls
FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query LIKE '%/* % */%'
GROUP BY 1
"""
_VARIANTS: tuple[Variant, ...] = ("before", "after")


@dataclass(frozen=True)
class Execution:
    """One query with its parameters."""

    query: NamedQuery
    parameters: tuple[Any, ...]


@dataclass(frozen=True)
class Replay:
    """The change of the p95 and each query's figures."""

    change: Change
    rows: tuple[QueryRow, ...]


async def calls_by_name(url: str) -> dict[str, int]:
    """How often the load called each named query in the database at `url`."""
    connection = await asyncpg.connect(url)
    try:
        return {row["name"]: row["calls"] for row in await connection.fetch(_CALLS) if row["name"]}
    finally:
        await connection.close()


async def reset_calls(url: str) -> None:
    """Forget the statistics of the database at `url`."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE datname = current_database()"
        )
    finally:
        await connection.close()


def plan(
    queries: Mapping[str, NamedQuery],
    samples: Mapping[str, Sequence[tuple[Any, ...]]],
    calls: Mapping[str, int],
    size: int,
    *,
    seed: int,
) -> list[Execution]:
    """About `size` executions: every query that was called, as often as its share of the calls, in seeded
    order."""
    called = {name: count for name, count in calls.items() if count > 0 and samples.get(name)}
    total = sum(called.values())
    executions: list[Execution] = []
    for name, count in sorted(called.items()):
        rows = samples[name]
        times = max(1, round(size * count / total))
        executions += [Execution(queries[name], rows[number % len(rows)]) for number in range(times)]
    order = np.random.default_rng(seed).permutation(len(executions))
    return [executions[index] for index in order]


async def replay(
    urls: Mapping[Variant, str],
    queries: Mapping[str, NamedQuery],
    calls: Mapping[str, int],
    profile: Profile,
    seed: int,
) -> Replay:
    """Measure the plan on both databases. Every statement runs once unmeasured first."""
    connections = {variant: await asyncpg.connect(urls[variant]) for variant in _VARIANTS}
    try:
        samples = {
            name: [tuple(row) for row in await connections["before"].fetch(query.sample_sql)]
            for name, query in queries.items()
            if query.sample_sql and calls.get(name)
        }
        single_seconds = await _once(connections["before"], queries, samples)
        size = affordable(single_seconds, calls, profile.replays, profile.replay_seconds)
        executions = plan(queries, samples, calls, size, seed=seed)
        times = await _measure(connections, executions)
        buffers = {variant: await _buffers(connections[variant], executions) for variant in _VARIANTS}
    finally:
        for connection in connections.values():
            await connection.close()
    return Replay(_change(times, seed), _rows(executions, times, buffers))


def affordable(
    single_seconds: Mapping[str, float], calls: Mapping[str, int], wanted: int, budget_seconds: float
) -> int:
    """`wanted` executions, or as many as `budget_seconds` allow; never fewer than a p95 needs."""
    total = sum(calls[name] for name in single_seconds)
    mean = sum(single_seconds[name] * calls[name] / total for name in single_seconds) if total else 0.0
    return max(minimum_samples(95), min(wanted, int(budget_seconds / mean) if mean else wanted))


async def _once(
    connection: asyncpg.Connection,
    queries: Mapping[str, NamedQuery],
    samples: Mapping[str, Sequence[tuple[Any, ...]]],
) -> dict[str, float]:
    """Seconds of one execution of each query: its second, the first one warms."""
    seconds: dict[str, float] = {}
    for name, rows in samples.items():
        for _ in range(2):
            started = time.perf_counter()
            if rows:
                await connection.fetch(queries[name].sql, *rows[0])
                seconds[name] = time.perf_counter() - started
    return seconds


async def _measure(
    connections: Mapping[Variant, asyncpg.Connection], executions: Sequence[Execution]
) -> dict[Variant, np.ndarray[Any, np.dtype[np.float64]]]:
    names = {execution.query.name: execution.query.sql for execution in executions}
    prepared = {
        (variant, name): await connections[variant].prepare(sql)
        for variant in _VARIANTS
        for name, sql in names.items()
    }
    for variant in _VARIANTS:
        for execution in {execution.query.name: execution for execution in executions}.values():
            await prepared[variant, execution.query.name].fetch(*execution.parameters)
    times = {variant: np.empty(len(executions)) for variant in _VARIANTS}
    for index, execution in enumerate(executions):
        for variant in _VARIANTS if index % 2 == 0 else _VARIANTS[::-1]:
            statement = prepared[variant, execution.query.name]
            started = time.perf_counter()
            await statement.fetch(*execution.parameters)
            times[variant][index] = 1000 * (time.perf_counter() - started)
    return times


async def _buffers(connection: asyncpg.Connection, executions: Sequence[Execution]) -> dict[str, int]:
    """Shared buffers that one execution of each query touches: its first parameters in the plan, run
    twice."""
    touched: dict[str, int] = {}
    first = {execution.query.name: execution for execution in reversed(executions)}
    for name, execution in first.items():
        explain = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {execution.query.sql}"
        for _ in range(2):
            text = await connection.fetchval(explain, *execution.parameters)
        root = json.loads(text)[0]["Plan"]
        touched[name] = root["Shared Hit Blocks"] + root["Shared Read Blocks"]
    return touched


def _change(times: Mapping[Variant, np.ndarray[Any, np.dtype[np.float64]]], seed: int) -> Change:
    groups = {
        variant: {
            number: values[number * BLOCK : (number + 1) * BLOCK]
            for number in range(-(-len(values) // BLOCK))
        }
        for variant, values in times.items()
    }
    return paired_change(groups["before"], groups["after"], 95, seed=seed)


def _rows(
    executions: Sequence[Execution],
    times: Mapping[Variant, np.ndarray[Any, np.dtype[np.float64]]],
    buffers: Mapping[Variant, Mapping[str, int]],
) -> tuple[QueryRow, ...]:
    names = np.array([execution.query.name for execution in executions])
    rows = [
        QueryRow(
            name=str(name),
            calls=int((names == name).sum()),
            before_buffers=buffers["before"][str(name)],
            after_buffers=buffers["after"][str(name)],
            before_ms=float(np.median(times["before"][names == name])),
            after_ms=float(np.median(times["after"][names == name])),
        )
        for name in np.unique(names)
    ]
    return tuple(sorted(rows, key=lambda row: -row.before_ms * row.calls))
