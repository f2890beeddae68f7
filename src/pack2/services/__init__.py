"""PostgreSQL and Valkey for one machine: embedded in the state folder, or found by URL.

`services()` gives both. Commands of one state folder share its servers: whoever comes first starts them,
whoever leaves last stops them, and what a killed command left behind is adopted.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pack2.services import external, processes
from pack2.services.errors import ServersInUseError
from pack2.services.postgres import STOP as STOP_POSTGRES
from pack2.services.postgres import running_postgres, start_postgres
from pack2.services.servers import PostgresServer, RedisServer
from pack2.services.state import State, Users, open_state
from pack2.services.valkey import STOP as STOP_VALKEY
from pack2.services.valkey import running_valkey, start_valkey

__all__ = [
    "FROM_ENVIRONMENT",
    "PostgresServer",
    "RedisServer",
    "Services",
    "State",
    "open_state",
    "services",
    "stop_services",
]

FROM_ENVIRONMENT: Final = ""
"""Use DATABASE_URL or REDIS_URL where it is set, an embedded server where not."""


@dataclass(frozen=True)
class Services:
    """The servers of one application, and the state folder that keeps their passwords."""

    postgres: PostgresServer
    redis: RedisServer
    state: State

    def pin(self, cpus: frozenset[int]) -> None:
        """Bind the embedded servers to `cpus`; servers by URL are left alone."""
        for pid in (self.postgres.pid, self.redis.pid):
            if pid is not None:
                processes.pin(pid, cpus)


@contextmanager
def services(
    state: Path | None = None,
    *,
    database_url: str | None = FROM_ENVIRONMENT,
    redis_url: str | None = FROM_ENVIRONMENT,
    cpus: frozenset[int] | None = None,
    durable: bool = True,
    is_asked: bool = True,
) -> Iterator[Services]:
    """Servers that run: by URL where one is given, else embedded in `state` (`.pack2` unless told otherwise).

    None for a URL means embedded, whatever the environment says. `cpus` binds the embedded servers; without
    it the first to use them gives them its own processors. `durable=False` is for tests only.
    `is_asked=False` takes servers by URL unasked, for those who find out themselves whether they answer.
    """
    database_url = os.environ.get("DATABASE_URL") if database_url == FROM_ENVIRONMENT else database_url
    redis_url = os.environ.get("REDIS_URL") if redis_url == FROM_ENVIRONMENT else redis_url
    opened = open_state(state, for_servers=not (database_url and redis_url))
    with _shared(opened) as first:
        with opened.starting(), _disk_full_told(opened):
            found = Services(
                postgres=(
                    _postgres_by(database_url, is_asked)
                    if database_url
                    else start_postgres(opened, durable=durable)
                ),
                redis=_redis_by(redis_url, is_asked) if redis_url else start_valkey(opened),
                state=opened,
            )
        if cpus is not None or first:
            found.pin(cpus or _own_cpus())
        yield found


def stop_services(state: Path | None = None) -> None:
    """Stop the embedded servers of `state` that a killed command left behind. Raises ServersInUseError."""
    opened = open_state(state)
    users = Users(opened)
    try:
        with processes.uninterrupted(), opened.starting():
            if not users.alone():
                raise ServersInUseError(path=opened.folder)
            _stop(opened)
    finally:
        users.leave()


@contextmanager
def _shared(state: State) -> Iterator[bool]:
    """A share in the servers, and whether it is the first one; the last to give it back stops them."""
    users = Users(state)
    try:
        with state.starting():
            first = users.alone()
            users.join()
        yield first
    finally:
        with processes.uninterrupted(), state.starting():
            if users.alone():
                _stop(state)
            users.leave()


def _postgres_by(url: str, is_asked: bool) -> PostgresServer:
    return external.find_postgres(url) if is_asked else PostgresServer(address=url)


def _redis_by(url: str, is_asked: bool) -> RedisServer:
    return external.find_redis(url) if is_asked else RedisServer(url=url)


def _stop(state: State) -> None:
    postgres, valkey = running_postgres(state), running_valkey(state)
    found = [(postgres, STOP_POSTGRES), (valkey, STOP_VALKEY)]
    processes.stop([(process, steps) for process, steps in found if process is not None])
    state.remove_sockets()


@contextmanager
def _disk_full_told(state: State) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise state.disk_full() from None


def _own_cpus() -> frozenset[int]:
    if not hasattr(os, "sched_getaffinity"):
        return frozenset(range(os.cpu_count() or 1))
    return frozenset(os.sched_getaffinity(0))
