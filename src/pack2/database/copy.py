"""A throwaway copy of a database, to measure on: nothing is tried out where somebody works."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as pg

from pack2.database.connection import Connection, connect, database_of, with_database
from pack2.database.errors import DatabaseInUseError, DatabaseRightsError
from pack2.database.index_file import quote
from pack2.services.servers import drop_database

_PATIENCE_SECONDS = 5.0


@contextmanager
def copy_of(url: str) -> Iterator[str]:
    """The URL of a copy (file by file) of the database at `url`; it is dropped at the end.

    Raises DatabaseInUseError while others are connected to it, DatabaseRightsError without CREATEDB.
    """
    source = database_of(url)
    copy = f"pack2_copy_{os.getpid()}_{time.monotonic_ns() % 1_000_000}"
    with connect(with_database(url, "postgres")) as admin:
        _drop_abandoned(admin)
        _create(admin, source, copy)
        try:
            yield with_database(url, copy)
        finally:
            drop_database(admin, copy)


def _create(admin: Connection, source: str, copy: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            admin.execute(f"CREATE DATABASE {quote(copy)} TEMPLATE {quote(source)} STRATEGY file_copy")
        except pg.ObjectInUse:
            if time.monotonic() > deadline:
                raise DatabaseInUseError(database=source, sessions=_sessions(admin, source)) from None
            time.sleep(0.2)
        except pg.InsufficientPrivilege:
            role = admin.info.user
            statement = f"ALTER ROLE {quote(role)} CREATEDB;"
            raise DatabaseRightsError(what="Measuring on a copy", role=role, statement=statement) from None
        else:
            return


def _sessions(admin: Connection, database: str) -> int:
    row = admin.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", (database,)).fetchone()
    return int(row[0]) if row else 0


def _drop_abandoned(admin: Connection) -> None:
    """Copies of runs that were killed: their process is gone and nobody is connected."""
    rows = admin.execute(
        "SELECT datname FROM pg_database d WHERE datname ~ '^pack2_copy_[0-9]+_[0-9]+$'"
        " AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname)"
    ).fetchall()
    for (name,) in rows:
        if not _is_alive(int(name.split("_")[2])):
            try:
                admin.execute(f"DROP DATABASE IF EXISTS {quote(name)}")
            except psycopg.Error:
                continue


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
