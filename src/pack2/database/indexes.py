"""Applying and taking back the declared indexes: CONCURRENTLY, again and again, killed at any moment.

The ledger `pack2_tuning.index_ledger` gets a line *before* an index is built, so that whatever a killed run
leaves behind is known as ours: an invalid leftover is dropped and rebuilt, and a rollback drops what
apply created and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from pack2.database.connection import (
    Connection,
    Progress,
    connect,
    exclusive,
    silent,
    with_retries,
)
from pack2.database.errors import IndexConflictError
from pack2.database.index_build import build, drop
from pack2.database.index_catalog import find_index, find_table, wanted_definition
from pack2.database.index_file import IndexDefinition, load_indexes

__all__ = ["AppliedIndex", "apply", "apply_definitions", "rollback"]

_LEDGER = """
CREATE SCHEMA IF NOT EXISTS pack2_tuning;
CREATE TABLE IF NOT EXISTS pack2_tuning.index_ledger (
    schema_name text NOT NULL,
    index_name  text NOT NULL,
    definition  text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (schema_name, index_name)
)"""


class AppliedIndex(msgspec.Struct, frozen=True):
    """What became of one index: built | rebuilt | present | dropped | absent."""

    name: str
    table: str
    outcome: str
    size_bytes: int
    seconds: float


def apply(
    url: str,
    path: Path,
    *,
    lock_timeout_seconds: float = 5.0,
    wait_seconds: float = 600.0,
    on_progress: Progress = silent,
) -> tuple[AppliedIndex, ...]:
    """Build every index that `path` declares and the database at `url` lacks; repeatable, resumable.

    Raises IndexConflictError for another index of the same name, LockTimeoutError when a lock is not to
    be had, BusyError when another run does not end within `wait_seconds`.
    """
    return apply_definitions(
        url,
        load_indexes(path),
        lock_timeout_seconds=lock_timeout_seconds,
        wait_seconds=wait_seconds,
        on_progress=on_progress,
    )


def apply_definitions(
    url: str,
    indexes: Iterable[IndexDefinition],
    *,
    lock_timeout_seconds: float = 5.0,
    wait_seconds: float = 600.0,
    on_progress: Progress = silent,
) -> tuple[AppliedIndex, ...]:
    """As `apply`, for definitions that are parsed already."""
    wanted = tuple(indexes)
    with connect(url) as connection, exclusive(connection, "indexes", wait_seconds):
        connection.execute(_LEDGER)
        return tuple(
            _apply_one(connection, url, index, lock_timeout_seconds, _share(on_progress, number, len(wanted)))
            for number, index in enumerate(wanted)
        )


def _share(on_progress: Progress, number: int, total: int) -> Progress:
    def part(what: str, done_ratio: float) -> None:
        on_progress(what, (number + done_ratio) / total)

    return part


def _apply_one(
    connection: Connection,
    url: str,
    index: IndexDefinition,
    lock_timeout_seconds: float,
    on_progress: Progress,
) -> AppliedIndex:
    table = find_table(connection, index)
    wanted = with_retries(
        connection,
        f"Reading {table.name} for index {index.name}",
        lambda: wanted_definition(connection, index, table),
        lock_timeout_seconds=lock_timeout_seconds,
    )
    existing = find_index(connection, table.schema, index.name)
    if existing is not None and (existing.definition, existing.table, existing.is_unique) != (
        wanted,
        table.name,
        index.unique,
    ):
        raise IndexConflictError(
            name=index.name, found=f"{existing.table} {existing.definition}", wanted=f"{table.name} {wanted}"
        )
    if existing is not None and existing.is_valid:
        return AppliedIndex(index.name, index.table, "present", existing.size_bytes, 0.0)
    connection.execute(
        "INSERT INTO pack2_tuning.index_ledger (schema_name, index_name, definition) VALUES (%s, %s, %s)"
        " ON CONFLICT (schema_name, index_name) DO UPDATE SET definition = EXCLUDED.definition",
        (table.schema, index.name, wanted),
    )
    seconds = build(connection, url, index, table, lock_timeout_seconds, on_progress)
    if index.has_expression:
        with_retries(
            connection,
            f"ANALYZE {table.name}",
            lambda: connection.execute(f"ANALYZE {table.quoted}"),
            lock_timeout_seconds=lock_timeout_seconds,
        )
    built = find_index(connection, table.schema, index.name)
    assert built is not None
    outcome = "built" if existing is None else "rebuilt"
    return AppliedIndex(index.name, index.table, outcome, built.size_bytes, seconds)


def rollback(
    url: str,
    names: Iterable[str] = (),
    *,
    lock_timeout_seconds: float = 5.0,
    wait_seconds: float = 600.0,
    on_progress: Progress = silent,
) -> tuple[AppliedIndex, ...]:
    """Drop, CONCURRENTLY, what `apply` created here: all of it, or `names` only. Last built goes first."""
    chosen = frozenset(names)
    with connect(url) as connection, exclusive(connection, "indexes", wait_seconds):
        connection.execute(_LEDGER)
        rows = connection.execute(
            "SELECT schema_name, index_name FROM pack2_tuning.index_ledger"
            " ORDER BY applied_at DESC, index_name"
        ).fetchall()
        ours = [(schema, name) for schema, name in rows if not chosen or name in chosen]
        dropped = []
        for number, (schema, name) in enumerate(ours):
            on_progress(f"drop {name}", number / len(ours))
            dropped.append(_rollback_one(connection, schema, name, lock_timeout_seconds))
        return tuple(dropped)


def _rollback_one(
    connection: Connection, schema: str, name: str, lock_timeout_seconds: float
) -> AppliedIndex:
    existing = find_index(connection, schema, name)
    if existing is not None:
        drop(connection, existing, lock_timeout_seconds)
    connection.execute(
        "DELETE FROM pack2_tuning.index_ledger WHERE schema_name = %s AND index_name = %s", (schema, name)
    )
    if existing is None:
        return AppliedIndex(name, "", "absent", 0, 0.0)
    return AppliedIndex(name, existing.table, "dropped", existing.size_bytes, 0.0)
