"""What the worker that is scraped asks the servers, each within a second: a server that is down is a figure.

`Probe.read` returns readings; where it fails, the scrape answers all the same, with `pack2_server_up` 0.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from importlib import resources
from typing import Any, Final

import asyncpg
import msgspec
import psutil
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

log = logging.getLogger("pack2.monitoring")

PROBE_SECONDS: Final = 1.0
STATEMENT: Final = resources.files("pack2.monitoring").joinpath("postgresql.sql").read_text(encoding="utf-8")
JOB_STATES: Final = ("todo", "doing", "failed")
JOBS: Final = (
    "SELECT status::text, count(*) FROM procrastinate.procrastinate_jobs"
    " WHERE status IN ('todo', 'doing', 'failed') GROUP BY 1"
)


class Reading(msgspec.Struct, frozen=True):
    """One value of a family, at the time of the scrape."""

    name: str
    value: float
    labels: tuple[str, ...] = ()


class Probe(msgspec.Struct, frozen=True):
    """`server` is the label of its `pack2_server_up`; "" for a probe that has none."""

    server: str
    read: Callable[[], Awaitable[Sequence[Reading]]]


async def ask(probes: Iterable[Probe]) -> list[Reading]:
    """What all of them read, at once."""
    answers = await asyncio.gather(*map(_ask, probes))
    return [reading for readings in answers for reading in readings]


async def _ask(probe: Probe) -> list[Reading]:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            readings = list(await probe.read())
        is_up = 1.0
    except Exception as error:
        log.info("%s did not answer the scrape (%s)", probe.server or "a probe", type(error).__name__)
        readings, is_up = [], 0.0
    if probe.server:
        readings.append(Reading("pack2_server_up", is_up, (probe.server,)))
    return readings


def postgresql(database_url: str) -> Probe:
    """Sessions, transactions, blocks, rows and background jobs of the database at `database_url`."""

    async def read() -> list[Reading]:
        connection = await asyncpg.connect(
            database_url,
            timeout=PROBE_SECONDS,
            command_timeout=PROBE_SECONDS,
            server_settings={"application_name": "pack2 metrics"},
        )
        try:
            rows = await connection.fetch(STATEMENT)
            readings = [Reading(name, value, (label,) if label else ()) for name, label, value in rows]
            return readings + await _jobs(connection)
        finally:
            connection.terminate()

    return Probe("postgresql", read)


async def _jobs(connection: Any) -> list[Reading]:
    if await connection.fetchval("SELECT to_regclass('procrastinate.procrastinate_jobs')") is None:
        return []
    counts = dict.fromkeys(JOB_STATES, 0) | dict(await connection.fetch(JOBS))
    return [Reading("pack2_jobs", number, (status,)) for status, number in counts.items()]


def redis(redis_url: str) -> Probe:
    """Memory, clients, commands and keys of the Redis at `redis_url`."""

    async def read() -> list[Reading]:
        client: Redis = Redis.from_url(
            redis_url,
            socket_timeout=PROBE_SECONDS,
            socket_connect_timeout=PROBE_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            return _redis_readings(await client.info())
        finally:
            await client.aclose()

    return Probe("redis", read)


def _redis_readings(figures: dict[str, Any]) -> list[Reading]:
    plain = (
        ("pack2_redis_memory_bytes", "used_memory"),
        ("pack2_redis_memory_limit_bytes", "maxmemory"),
        ("pack2_redis_connected_clients", "connected_clients"),
        ("pack2_redis_commands_total", "total_commands_processed"),
        ("pack2_redis_evicted_keys_total", "evicted_keys"),
        ("pack2_redis_expired_keys_total", "expired_keys"),
    )
    readings = [Reading(name, float(figures.get(field, 0))) for name, field in plain]
    for result in ("hits", "misses"):
        value = float(figures.get(f"keyspace_{result}", 0))
        readings.append(Reading("pack2_redis_keyspace_total", value, (result,)))
    return readings


async def _machine() -> list[Reading]:
    memory = psutil.virtual_memory()
    times = psutil.cpu_times()
    idle_seconds = times.idle + getattr(times, "iowait", 0.0)
    # `guest` is part of `user` already.
    busy_seconds = (
        sum(times) - idle_seconds - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    )
    return [
        Reading("pack2_machine_processors", psutil.cpu_count() or 1),
        Reading("pack2_machine_memory_bytes", memory.total),
        Reading("pack2_machine_memory_available_bytes", memory.available),
        Reading("pack2_machine_busy_seconds_total", busy_seconds),
    ]


MACHINE: Final = Probe("", _machine)
