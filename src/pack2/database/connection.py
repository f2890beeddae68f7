"""Admin connections: psycopg 3, autocommit, nothing prepared behind our back; one run of a command at a time.

Waiting for another run polls with `pg_try_advisory_lock`: a session that *waits* inside
`pg_advisory_lock` holds a snapshot, and CREATE INDEX CONCURRENTLY of the other run would wait for that
snapshot for ever.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, LiteralString, TypeVar
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import errors as pg

from pack2.database.errors import BusyError, DatabaseUnreachableError, LockTimeoutError

Connection = psycopg.Connection[tuple[Any, ...]]
T = TypeVar("T")
Progress = Callable[[str, float], None]
"""Told (what is being done, share done 0…1)."""


def silent(_what: str, _done_ratio: float) -> None:
    """A Progress for callers that show none."""


def connect(url: str) -> Connection:
    """An autocommit connection that ends with its client: a killed run stops working on the server too."""
    try:
        connection: Connection = psycopg.connect(
            url, autocommit=True, prepare_threshold=None, application_name="pack2", connect_timeout=10
        )
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0].removeprefix("connection failed: ").rstrip(".")
        raise DatabaseUnreachableError(url=without_password(url), reason=reason) from None
    connection.execute("SET client_connection_check_interval = '1s'; SET timezone = 'UTC'")
    return connection


def without_password(url: str) -> str:
    """`url` as it may be printed."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1@", url)


def database_of(url: str) -> str:
    """The name of the database in `url`."""
    return urlsplit(url).path.lstrip("/")


def with_database(url: str, database: str) -> str:
    """`url` for another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@contextmanager
def exclusive(connection: Connection, command: str, wait_seconds: float = 600) -> Iterator[None]:
    """Hold this database's advisory lock of `pack2 {command}`; wait for another run up to `wait_seconds`."""
    deadline = time.monotonic() + wait_seconds
    key = f"pack2 {command}"
    while not _value(connection, "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", key):
        if time.monotonic() > deadline:
            raise BusyError(command=command, pid=_holder(connection, key), seconds=wait_seconds)
        time.sleep(0.2)
    try:
        yield
    finally:
        if not connection.closed and not connection.broken:
            connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (key,))


def _value(connection: Connection, sql: LiteralString, *parameters: object) -> object:
    row = connection.execute(sql, parameters).fetchone()
    return row[0] if row else None


def _holder(connection: Connection, key: str) -> object:
    row = connection.execute(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND (classid::bigint << 32) | objid::bigint = hashtextextended(%s, 0)",
        (key,),
    ).fetchone()
    return row[0] if row else "unknown"


def with_retries(
    connection: Connection,
    what: str,
    action: Callable[[], T],
    *,
    attempts: int = 6,
    lock_timeout_seconds: float = 5.0,
    after_failure: Callable[[], None] = lambda: None,
) -> T:
    """The result of `action`, run under lock_timeout; again after a pause when a lock or deadlock stops it.

    Raises LockTimeoutError that names who holds the oldest transaction.
    """
    attempt = 0
    while True:
        attempt += 1
        connection.execute(f"SET lock_timeout = {round(lock_timeout_seconds * 1000)}")
        try:
            return action()
        except (pg.LockNotAvailable, pg.DeadlockDetected):
            after_failure()
            if attempt == attempts:
                raise LockTimeoutError(
                    what=what, attempts=attempts, blockers=_oldest_transaction(connection)
                ) from None
            time.sleep(min(0.1 * 2**attempt, 5.0))
        finally:
            if not connection.closed and not connection.broken:
                connection.execute("SET lock_timeout = 0")


def _oldest_transaction(connection: Connection) -> str:
    row = connection.execute(
        "SELECT pid, usename, round(extract(epoch FROM now() - xact_start)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
        " ORDER BY xact_start LIMIT 1"
    ).fetchone()
    if row is None:
        return "No other transaction is open now."
    return f"The oldest open transaction is process {row[0]} of role {row[1]}, open for {row[2]} s."
