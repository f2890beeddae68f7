"""Measuring queries with and without indexes, interleaved, on a copy where an index is hidden by DROP and
ROLLBACK."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from pack2.database.connection import Connection
from pack2.database.index_file import quote
from pack2.database.workload import Execution, SampledQuery, execute

Variant = frozenset[str]
"""The (schema-qualified) names of the indexes that are hidden."""


class Measurement(msgspec.Struct, frozen=True):
    """One query under one variant: each execution's time, by round and parameter row; blocks of one round."""

    milliseconds: tuple[float, ...]
    least_milliseconds: float
    buffers: int
    indexes: frozenset[str]


def measure(
    connection: Connection,
    sampled: SampledQuery,
    variants: Mapping[str, Variant],
    *,
    least_rounds: int = 3,
    most_rounds: int = 12,
    budget_seconds: float = 4.0,
) -> dict[str, Measurement]:
    """Each variant once a round, the order turned round each time; more rounds while the budget lasts."""
    executions: dict[str, list[tuple[Execution, ...]]] = {name: [] for name in variants}
    order = list(variants)
    started = time.monotonic()
    for number in range(most_rounds):
        if number >= least_rounds and time.monotonic() - started > budget_seconds:
            break
        for name in order if number % 2 == 0 else reversed(order):
            executions[name].append(_one_round(connection, sampled, variants[name]))
    return {name: _summary(rounds) for name, rounds in executions.items()}


def _one_round(connection: Connection, sampled: SampledQuery, hidden: Variant) -> tuple[Execution, ...]:
    with connection.transaction(force_rollback=True):
        if hidden:
            connection.execute(f"DROP INDEX {', '.join(sorted(hidden))}")
        return execute(connection, sampled)


def _summary(rounds: Sequence[tuple[Execution, ...]]) -> Measurement:
    return Measurement(
        milliseconds=tuple(one.milliseconds for executions in rounds for one in executions),
        # The least time of each parameter row over the rounds: what the plan costs when nothing disturbs it.
        least_milliseconds=sum(min(one.milliseconds for one in same) for same in zip(*rounds, strict=True)),
        buffers=sum(one.buffers for one in rounds[-1]),
        indexes=frozenset().union(*(one.indexes for executions in rounds for one in executions)),
    )


def hidden(schemas: Mapping[str, str], names: Iterable[str]) -> Variant:
    """The variant that hides `names`; `schemas` tells where each stands."""
    return frozenset(f"{quote(schemas[name])}.{quote(name)}" for name in names)
