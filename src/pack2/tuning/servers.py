"""Recommendations for the servers themselves: memory, connections, checkpoints, from their own counters."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pack2.database.connection import connect
from pack2.proof.processors import usable_cores
from pack2.tuning.recommendation import Recommendation

LEAST_HIT_RATIO: Final = 0.99
LEAST_BLOCKS: Final = 100_000
MOST_CONNECTIONS_RATIO: Final = 0.8
LEAST_CHECKPOINTS: Final = 10

_FACTS = """
SELECT d.blks_hit, d.blks_read, d.temp_files, d.temp_bytes, pg_database_size(d.datname),
       (SELECT setting::bigint * 8192 FROM pg_settings WHERE name = 'shared_buffers'),
       (SELECT setting::bigint * 1024 FROM pg_settings WHERE name = 'work_mem'),
       (SELECT setting::bigint FROM pg_settings WHERE name = 'max_connections'),
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
       (SELECT setting::bigint FROM pg_settings WHERE name = 'max_wal_size')
FROM pg_stat_database d WHERE d.datname = current_database()"""
_CHECKPOINTS = {
    True: "SELECT num_timed, num_requested FROM pg_stat_checkpointer",
    False: "SELECT checkpoints_timed, checkpoints_req FROM pg_stat_bgwriter",
}
_CHECKPOINTER_SINCE = 170000
_WORKERS: Final = "--workers {}  # of your ASGI server: granian, uvicorn, hypercorn"
_LISTENERS = """
SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pack2 change feed'
AND datname = current_database()
AND (client_addr IS NULL OR client_addr <<= '127.0.0.0/8' OR client_addr = '::1')"""


def of_postgres(url: str) -> tuple[Recommendation, ...]:
    """What the server at `url` says about its memory, connections and checkpoints."""
    with connect(url) as connection:
        row = connection.execute(_FACTS).fetchone()
        query = _CHECKPOINTS[connection.info.server_version >= _CHECKPOINTER_SINCE]
        checkpoints = connection.execute(query).fetchone()
    assert row is not None
    assert checkpoints is not None
    return tuple(postgres_rules(*row, *checkpoints))


def postgres_rules(
    hit: int,
    read: int,
    temp_files: int,
    temp_bytes: int,
    database_bytes: int,
    buffers_bytes: int,
    work_mem_bytes: int,
    most_connections: int,
    connections: int,
    wal_megabytes: int,
    timed: int,
    requested: int,
) -> list[Recommendation]:
    """Each rule: a counter beyond a bound, and the setting that bounds it."""
    found = []
    if hit + read >= LEAST_BLOCKS and hit / (hit + read) < LEAST_HIT_RATIO and database_bytes > buffers_bytes:
        wanted = min(2 * buffers_bytes, database_bytes) // 2**20
        found.append(
            _setting(
                "shared_buffers",
                "raise it, to at most a quarter of the machine's memory, and restart",
                f"{hit / (hit + read):.1%} of the blocks came from memory; the database has"
                f" {database_bytes // 2**20} MB, shared_buffers {buffers_bytes // 2**20} MB",
                f"{wanted}MB",
            )
        )
    if temp_files > 0 and temp_bytes / temp_files > work_mem_bytes:
        found.append(
            _setting(
                "work_mem",
                "raise it: sorts and hashes went to disk",
                f"{temp_files} temporary files of {temp_bytes // temp_files // 2**20} MB in the mean,"
                f" work_mem {work_mem_bytes // 2**20} MB",
                f"{max(1, 2 * work_mem_bytes // 2**20)}MB",
            )
        )
    if connections > MOST_CONNECTIONS_RATIO * most_connections:
        advice = "make the application's pools smaller, or put a pooler in front"
        evidence = f"{connections} of {most_connections} connections are in use"
        found.append(Recommendation("scaling", "connections", advice, evidence, "pack2 slow"))
    if timed + requested >= LEAST_CHECKPOINTS and requested > timed:
        found.append(
            _setting(
                "max_wal_size",
                "raise it: checkpoints come from full WAL, not from time",
                f"{requested} requested, {timed} timed checkpoints; max_wal_size {wal_megabytes} MB",
                f"{2 * wal_megabytes}MB",
            )
        )
    return found


def of_workers(url: str) -> tuple[Recommendation, ...]:
    """Whether the application has a process for each core, where it and the database are on this machine:
    each process holds one connection on which it hears of changes."""
    with connect(url) as connection:
        row = connection.execute(_LISTENERS).fetchone()
        host = connection.info.hostaddr
    if host and not ipaddress.ip_address(host).is_loopback:
        return ()
    assert row is not None
    return tuple(worker_rules(row[0], len(usable_cores())))


def worker_rules(workers: int, cores: int) -> list[Recommendation]:
    """Fewer processes than cores leave cores idle; each has one event loop, so more than two a core wait."""
    evidence = f"{workers} processes of the application listen for changes; this machine has {cores} cores"
    if 0 < workers < cores:
        advice = "start one a core: a process uses one"
    elif workers > 2 * cores:
        advice = "start one a core: more wait for each other, and each holds memory and connections"
    else:
        return []
    return [Recommendation("scaling", "workers", advice, evidence, _WORKERS.format(cores))]


def of_redis(url: str) -> tuple[Recommendation, ...]:
    """What the Redis at `url` says about its memory, and whom it answers."""
    with redis.Redis.from_url(url, socket_timeout=5) as client:
        info: Any = client.info()
    return (*redis_rules(info), *_access(url))


def redis_rules(info: Mapping[str, Any]) -> list[Recommendation]:
    """`info` is what INFO answers. No limit of memory, evictions, a policy that refuses writes."""
    used, limit = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    policy, evicted = str(info.get("maxmemory_policy", "")), int(info.get("evicted_keys", 0))
    if limit == 0:
        evidence = f"maxmemory is 0; {used // 2**20} MB are used"
        advice = "bound it: without a limit it grows until the machine has no memory"
        return [
            Recommendation("cache", "maxmemory", advice, evidence, "redis-cli CONFIG SET maxmemory 256mb")
        ]
    found = []
    if policy == "noeviction":
        advice = "let entries go: a full cache that refuses writes is of no use"
        command = "redis-cli CONFIG SET maxmemory-policy allkeys-lfu"
        found.append(Recommendation("cache", "maxmemory-policy", advice, f"it is {policy}", command))
    if evicted > 0:
        evidence = f"{evicted} entries evicted; {used // 2**20} of {limit // 2**20} MB used"
        command = f"redis-cli CONFIG SET maxmemory {2 * limit}"
        found.append(Recommendation("cache", "maxmemory", "raise it", evidence, command))
    return found


def _access(url: str) -> list[Recommendation]:
    """Whoever reaches a Redis without a password reads and replaces what users are shown."""
    anonymous = re.sub(r"//[^@/]*@", "//", url, count=1)
    with redis.Redis.from_url(anonymous, socket_timeout=5, retry=Retry(NoBackoff(), 0)) as stranger:
        try:
            stranger.ping()
        except redis.RedisError:
            return []
    advice = "let nobody in without an account of their own"
    evidence = "it answers without a password"
    return [Recommendation("cache", "access", advice, evidence, "redis-cli ACL SETUSER default off")]


def _setting(name: str, advice: str, evidence: str, value: str) -> Recommendation:
    return Recommendation("scaling", name, advice, evidence, f"ALTER SYSTEM SET {name} = '{value}';")
