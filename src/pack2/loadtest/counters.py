"""Counts that no clock can blur: what each route's sample requests ask of PostgreSQL and Redis.

The samples are asked for one by one, twice, on an application that nobody else uses, right after it started;
so the same build on the same data gives the same counts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import redis

from pack2.loadtest.result import RouteCount
from pack2.loadtest.site import Site
from pack2.proof.client import send
from pack2.proof.equality import credentials

_STATEMENTS = r"""
SELECT coalesce(sum(calls), 0)::bigint, coalesce(sum(rows), 0)::bigint,
       coalesce(sum(shared_blks_hit + shared_blks_read), 0)::bigint
FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND query ~ '^\w+ /\* [a-z0-9_]+ \*/'
"""
_DATA_COMMANDS = (
    "get", "set", "setex", "psetex", "mget", "mset", "getex", "del", "unlink", "expire", "pexpire", "incr",
    "hget", "hset", "hmget", "hgetall", "hdel", "eval", "evalsha", "exists", "sadd", "srem",
)  # fmt: skip
"""Heartbeats, subscriptions and the like come by the clock and do not count."""

_STILL_SECONDS = 0.01
_SETTLED_AT_MOST_SECONDS = 1.0


@dataclass(frozen=True)
class Tally:
    """Totals since the servers started."""

    queries: int
    rows: int
    buffers: int
    redis_commands: int

    def since(self, before: Tally) -> Tally:
        return Tally(
            self.queries - before.queries,
            self.rows - before.rows,
            self.buffers - before.buffers,
            self.redis_commands - before.redis_commands,
        )


def count_routes(site: Site) -> tuple[RouteCount, ...]:
    """One row a route of the samples; nothing where the servers are not ours to ask."""
    if site.server is None or site.redis_url is None:
        return ()
    with (
        psycopg.connect(site.server.database_url, autocommit=True) as connection,
        redis.Redis.from_url(site.redis_url) as client,
    ):
        samples: Sequence[Mapping[str, Any]] = site.parameters["samples"]
        asked: dict[str, list[tuple[Tally, Tally]]] = {}
        for sample in samples:
            token = site.parameters["accounts"][sample["account"]]["token"]
            headers = credentials(sample["kind"], token, site.accounts.cookie)
            tallies = [tally(connection, client)]
            for _ in range(2):
                send(site.base_url, sample["path"], headers=headers)
                tallies.append(_settled(connection, client))
            first, again = tallies[1].since(tallies[0]), tallies[2].since(tallies[1])
            asked.setdefault(sample["name"], []).append((first, again))
    return tuple(_row(name, pairs) for name, pairs in sorted(asked.items()))


def _row(name: str, pairs: Sequence[tuple[Tally, Tally]]) -> RouteCount:
    return RouteCount(
        name=name,
        queries=sum(first.queries for first, _ in pairs),
        rows=sum(first.rows for first, _ in pairs),
        buffers=sum(first.buffers for first, _ in pairs),
        redis_commands=sum(first.redis_commands for first, _ in pairs),
        queries_again=sum(again.queries for _, again in pairs),
        redis_commands_again=sum(again.redis_commands for _, again in pairs),
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
    row = connection.execute(_STATEMENTS).fetchone()
    queries, rows, buffers = (int(value) for value in row) if row else (0, 0, 0)
    statistics: Any = client.info("commandstats")
    commands = sum(int(statistics.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in _DATA_COMMANDS)
    return Tally(queries, rows, buffers, commands)
