"""Building and dropping one index without locking writers out.

A partitioned parent can not be indexed CONCURRENTLY: its own entry is made ON ONLY (no data, an instant),
each partition is built CONCURRENTLY, then attached; the parent becomes valid with the last one and new
partitions inherit it.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from pack2.database.connection import Connection, Progress, connect, with_retries
from pack2.database.index_catalog import ExistingIndex, Table, find_index, partitions
from pack2.database.index_file import IndexDefinition, quote

_NAME_BYTES = 63


def build(
    connection: Connection,
    url: str,
    index: IndexDefinition,
    table: Table,
    lock_timeout_seconds: float,
    on_progress: Progress,
) -> float:
    """Build `index` on `table`; an invalid leftover of the same name is dropped first. Returns the seconds
    taken."""
    started = time.monotonic()
    with _watched(url, connection.info.backend_pid, index.name, on_progress):
        _build(connection, index, index.name, table, lock_timeout_seconds)
    return time.monotonic() - started


def _build(
    connection: Connection, index: IndexDefinition, name: str, table: Table, lock_seconds: float
) -> None:
    if table.is_partitioned:
        _build_partitioned(connection, index, name, table, lock_seconds)
    else:
        _build_plain(connection, index, name, table, lock_seconds)


def _build_plain(
    connection: Connection, index: IndexDefinition, name: str, table: Table, lock_seconds: float
) -> None:
    def clean() -> None:
        leftover = find_index(connection, table.schema, name)
        if leftover is not None and not leftover.is_valid:
            drop(connection, leftover, lock_seconds)

    def create() -> None:
        if find_index(connection, table.schema, name) is None:
            connection.execute(index.create(name, table.quoted))

    clean()
    with_retries(connection, f"Index {name}", create, lock_timeout_seconds=lock_seconds, after_failure=clean)


def _build_partitioned(
    connection: Connection, index: IndexDefinition, name: str, table: Table, lock_seconds: float
) -> None:
    def create_parent() -> None:
        if find_index(connection, table.schema, name) is None:
            connection.execute(index.create(name, f"ONLY {table.quoted}", how=""))

    # This one lock holds writers up while it is waited for, so it is never waited for long.
    with_retries(connection, f"Index {name}", create_parent, lock_timeout_seconds=min(lock_seconds, 1.0))
    for partition in partitions(connection, table):
        part_name = partition_index_name(name, partition.name)
        _build(connection, index, part_name, partition, lock_seconds)
        part = find_index(connection, partition.schema, part_name)
        assert part is not None
        if part.parent is None:
            attach = (
                f"ALTER INDEX {quote(table.schema)}.{quote(name)} ATTACH PARTITION"
                f" {quote(partition.schema)}.{quote(part_name)}"
            )
            with_retries(
                connection,
                f"Index {part_name}",
                partial(connection.execute, attach),
                lock_timeout_seconds=min(lock_seconds, 1.0),
            )


def partition_index_name(name: str, partition: str) -> str:
    """The name of the index `name` on `partition`: in full where 63 bytes allow it, else with a digest."""
    full = f"{name}_{partition}"
    if len(full.encode()) <= _NAME_BYTES:
        return full
    return f"{name[:40]}_{hashlib.sha256(full.encode()).hexdigest()[:12]}"


def drop(connection: Connection, index: ExistingIndex, lock_timeout_seconds: float) -> None:
    """Drop `index`: CONCURRENTLY; an index of a partitioned table, which allows only that, with all its
    parts."""
    row = connection.execute("SELECT relkind FROM pg_class WHERE oid = %s", (index.oid,)).fetchone()
    partitioned = row is not None and row[0] == "I"
    how = "" if partitioned else "CONCURRENTLY "
    parts = partition_indexes(connection, index) if partitioned else ()

    def act() -> None:
        connection.execute(f"DROP INDEX {how}IF EXISTS {index.quoted}")

    seconds = min(lock_timeout_seconds, 1.0) if partitioned else lock_timeout_seconds
    with_retries(connection, f"DROP INDEX {index.name}", act, lock_timeout_seconds=seconds)
    for part in parts:
        drop(connection, part, lock_timeout_seconds)


def partition_indexes(connection: Connection, index: ExistingIndex) -> tuple[ExistingIndex, ...]:
    """Indexes on partitions, built for `index` and not attached to it: leftovers of a killed run."""
    row = connection.execute(
        "SELECT c.oid, n.nspname, c.relname, c.relkind FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE x.indexrelid = %s",
        (index.oid,),
    ).fetchone()
    assert row is not None
    found = (
        find_index(connection, part.schema, partition_index_name(index.name, part.name))
        for part in partitions(connection, Table(*row))
    )
    return tuple(part for part in found if part is not None and part.parent is None)


@contextmanager
def _watched(url: str, pid: int, name: str, on_progress: Progress) -> Iterator[None]:
    """Report the building backend's progress from a connection of its own; never stop the build for it."""
    on_progress(name, 0.0)
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(url, pid, name, on_progress, ended), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
    on_progress(name, 1.0)


def _watch(url: str, pid: int, name: str, on_progress: Progress, ended: threading.Event) -> None:
    if ended.wait(0.5):
        return
    with connect(url) as connection:
        while not ended.wait(0.5):
            row = connection.execute(
                "SELECT phase, coalesce(nullif(blocks_done, 0)::float8 / nullif(blocks_total, 0),"
                " tuples_done::float8 / nullif(tuples_total, 0), 0)"
                " FROM pg_stat_progress_create_index WHERE pid = %s",
                (pid,),
            ).fetchone()
            if row is not None:
                on_progress(f"{name}: {row[0]}", min(row[1], 1.0))
