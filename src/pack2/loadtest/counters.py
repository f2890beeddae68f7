"""Counts that no clock can blur: what each route's sample requests ask of PostgreSQL and Redis.

The samples are asked for one by one, twice, on an application that nobody else uses, right after it started;
so the same build on the same data gives the same counts. Buffers alone hold something of chance, since a
query may get any connection of the pool: one that meets a table or an index for the first time also reads
its first blocks (one or more a partition), and one that ran a statement five times may plan it anew. So
everything is expired and asked for again, and of each statement the call with the fewest buffers counts.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import psycopg
import redis

from pack2.cache.purge import purge_all
from pack2.loadtest.result import RouteCount
from pack2.loadtest.site import Site
from pack2.proof.client import send
from pack2.proof.equality import credentials

_STATEMENTS = r"""
SELECT queryid, sum(calls)::bigint, sum(rows)::bigint, sum(shared_blks_hit + shared_blks_read)::bigint
FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND query ~ '^\w+ /\* [a-z0-9_]+ \*/'
GROUP BY queryid
"""
_FORGET_DROPPED = """
SELECT pg_stat_statements_reset(0, dbid, 0)
FROM (SELECT DISTINCT dbid FROM pg_stat_statements WHERE dbid NOT IN (SELECT oid FROM pg_database)) AS dropped
"""
"""Every look reads the statistics of all databases, and copies that are gone leave thousands behind."""
_DATA_COMMANDS = (
    "get", "set", "setex", "psetex", "mget", "mset", "getex", "del", "unlink", "expire", "pexpire", "incr",
    "hget", "hset", "hmget", "hgetall", "hdel", "eval", "evalsha", "exists", "sadd", "srem",
)  # fmt: skip
"""Heartbeats, subscriptions and the like come by the clock and do not count; nor does what failed, such as
the first call of a script that a server which just started does not know yet."""

_STILL_SECONDS = 0.03
_SETTLED_AT_MOST_SECONDS = 1.0
_EXPIRED_WITHIN_SECONDS = 0.2
"""By then the change feed has told every process; one that hears it later only makes a round say less."""
_ROUNDS = 4


@dataclass(frozen=True)
class Statement:
    """What the calls of one statement took, all of them together."""

    calls: int = 0
    rows: int = 0
    buffers: int = 0


@dataclass(frozen=True)
class Tally:
    """Totals since the servers started, or between two such; statements by queryid."""

    redis_commands: int
    statements: Mapping[int, Statement]

    @property
    def queries(self) -> int:
        return sum(statement.calls for statement in self.statements.values())

    @property
    def rows(self) -> int:
        return sum(statement.rows for statement in self.statements.values())

    def since(self, before: Tally) -> Tally:
        called = {}
        for queryid, now in self.statements.items():
            old = before.statements.get(queryid, Statement())
            if now.calls > old.calls:
                called[queryid] = Statement(
                    now.calls - old.calls, now.rows - old.rows, now.buffers - old.buffers
                )
        return Tally(self.redis_commands - before.redis_commands, called)


@dataclass(frozen=True)
class _Asked:
    """One sample: first asked, asked again, and first asked once more in later rounds."""

    first: Tally
    again: Tally
    rounds: Sequence[Tally]


def count_routes(site: Site) -> tuple[RouteCount, ...]:
    """One row a route of the samples; nothing where the servers are not ours to ask."""
    if site.server is None or site.redis_url is None:
        return ()
    url, samples = site.server.database_url, site.parameters["samples"]
    with (
        psycopg.connect(url, autocommit=True) as connection,
        redis.Redis.from_url(site.redis_url) as client,
    ):
        with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
            connection.execute(_FORGET_DROPPED)
        pairs = [_ask(site, connection, client, sample, times=2) for sample in samples]
        rounds = [[first for first, _ in pairs]]
        while len(rounds) < _ROUNDS:
            purge_all(client, site.namespace, url)
            time.sleep(_EXPIRED_WITHIN_SECONDS)
            rounds.append([_ask(site, connection, client, sample, times=1)[0] for sample in samples])
    asked: dict[str, list[_Asked]] = {}
    for sample, (first, again), *found in zip(samples, pairs, *rounds, strict=True):
        asked.setdefault(sample["name"], []).append(_Asked(first, again, found))
    return tuple(_row(name, rows) for name, rows in sorted(asked.items()))


def fewest_buffers(rounds: Sequence[Tally]) -> int:
    """Buffers of the first round's statements, each as in the round where a call of it took the fewest."""
    total = 0.0
    for queryid, statement in rounds[0].statements.items():
        found = [tally.statements[queryid] for tally in rounds if queryid in tally.statements]
        total += statement.calls * min(one.buffers / one.calls for one in found)
    return round(total)


def _ask(
    site: Site, connection: psycopg.Connection, client: redis.Redis, sample: Mapping[str, Any], *, times: int
) -> list[Tally]:
    """What `sample` takes, each time that it is asked for."""
    token = site.parameters["accounts"][sample["account"]]["token"]
    headers = credentials(sample["kind"], token, site.accounts.cookie)
    tallies = [tally(connection, client)]
    for _ in range(times):
        send(site.base_url, sample["path"], headers=headers)
        tallies.append(_settled(connection, client))
    return [now.since(before) for before, now in pairwise(tallies)]


def _row(name: str, asked: Sequence[_Asked]) -> RouteCount:
    return RouteCount(
        name=name,
        queries=sum(sample.first.queries for sample in asked),
        rows=sum(sample.first.rows for sample in asked),
        buffers=sum(fewest_buffers(sample.rounds) for sample in asked),
        redis_commands=sum(sample.first.redis_commands for sample in asked),
        queries_again=sum(sample.again.queries for sample in asked),
        redis_commands_again=sum(sample.again.redis_commands for sample in asked),
    )


def _settled(connection: psycopg.Connection, client: redis.Redis) -> Tally:
    """The totals once they stand still: what goes on after an answer, such as storing it, belongs to it."""
    deadline = time.monotonic() + _SETTLED_AT_MOST_SECONDS
    found = tally(connection, client)
    while time.monotonic() < deadline:
        time.sleep(_STILL_SECONDS)
        before, found = found, tally(connection, client)
        if found == before:
            break
    return found


def tally(connection: psycopg.Connection, client: redis.Redis) -> Tally:
    """The servers' totals now."""
    statements = {
        queryid: Statement(int(calls), int(rows), int(buffers))
        for queryid, calls, rows, buffers in connection.execute(_STATEMENTS)
    }
    statistics: Any = client.info("commandstats")
    found = [statistics[f"cmdstat_{name}"] for name in _DATA_COMMANDS if f"cmdstat_{name}" in statistics]
    commands = sum(int(row["calls"]) - int(row.get("failed_calls", 0)) for row in found)
    return Tally(commands, statements)
