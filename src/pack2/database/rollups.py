"""Rollups: plain aggregating views turned into maintained tables of the same name, and back.

Apply: (1) table and triggers, in one short transaction that waits for writers; from then on each write
keeps its buckets; (2) fill the rest in chunks, each under the shard locks; (3) swap names in one short
transaction. A killed run is continued by the next. Lock order everywhere: source, its partitions, view,
table, shards ascending.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import msgspec
from psycopg import errors as pg

from pack2.database.connection import Connection, Progress, connect, exclusive, silent, with_retries
from pack2.database.errors import RollupConflictError, RollupMissingError
from pack2.database.index_file import quote
from pack2.database.rollup_catalog import all_ledgered, check_movable, ledgered, read_view
from pack2.database.rollup_sql import LEDGER, OPERATIONS, RollupSql, literal
from pack2.database.rollup_view import RollupView

__all__ = ["AppliedRollup", "apply", "rollback"]

_CHUNK_ROWS = 200_000
# Writers wait behind the short transactions; below deadlock_timeout, so that never a writer is the victim.
_LOCK_SECONDS = 0.5
_ATTEMPTS = 12


class AppliedRollup(msgspec.Struct, frozen=True):
    """What became of one rollup: built | completed | present | extended | removed."""

    view: str
    outcome: str
    rows: int
    seconds: float


def apply(
    url: str, views: Iterable[str], *, wait_seconds: float = 600.0, on_progress: Progress = silent
) -> tuple[AppliedRollup, ...]:
    """Turn each of `views` into a maintained table; repeatable, resumable. New partitions are taken in.

    Raises UnsupportedViewError, RollupConflictError, LockTimeoutError, BusyError.
    """
    names = tuple(views)
    with connect(url) as connection, exclusive(connection, "rollup", wait_seconds):
        connection.execute(LEDGER)
        return tuple(
            _apply_one(connection, name, _share(on_progress, number, len(names)))
            for number, name in enumerate(names)
        )


def rollback(
    url: str, views: Iterable[str] = (), *, wait_seconds: float = 600.0, on_progress: Progress = silent
) -> tuple[AppliedRollup, ...]:
    """Give back the plain view of each of `views`, or of every rollup here. Raises RollupMissingError."""
    with connect(url) as connection, exclusive(connection, "rollup", wait_seconds):
        connection.execute(LEDGER)
        names = tuple(views) or tuple(line.name for line in all_ledgered(connection))
        removed = []
        for number, name in enumerate(names):
            on_progress(f"rollback {name}", number / len(names))
            removed.append(_rollback_one(connection, name))
        return tuple(removed)


def _share(on_progress: Progress, number: int, total: int) -> Progress:
    def part(what: str, done_ratio: float) -> None:
        on_progress(what, (number + done_ratio) / total)

    return part


def _apply_one(connection: Connection, name: str, on_progress: Progress) -> AppliedRollup:
    started = time.monotonic()
    on_progress(name, 0.0)
    line = ledgered(connection, name)
    if line is not None and line.state == "applied":
        return _extend(connection, applied_sql(connection, name), started)
    view = read_view(connection, name)
    check_movable(connection, view)
    sql = RollupSql(view, f"pack2_tuning.{quote(f'{view.name}_table')}")
    if line is None:
        _locked(connection, f"Rollup {name}", lambda: _begin(connection, sql))
    _cover_partitions(connection, sql)
    _fill(connection, sql, line.filled_to if line else None, on_progress)
    _locked(connection, f"Rollup {name}", lambda: _swap(connection, sql))
    connection.execute(f"VACUUM (ANALYZE) {quote(view.schema)}.{quote(view.name)}")
    on_progress(name, 1.0)
    return _report(connection, view, "built" if line is None else "completed", started)


def applied_sql(connection: Connection, name: str) -> RollupSql:
    """The statements of an applied rollup. Raises RollupMissingError."""
    line = ledgered(connection, name)
    if line is None or line.state != "applied":
        raise RollupMissingError(view=name)
    view = read_view(connection, kept_view(line.name), (line.view_schema, line.name))
    return RollupSql(view, f"{quote(view.schema)}.{quote(view.name)}")


def kept_view(name: str) -> str:
    """Where the plain view of the rollup `name` stands meanwhile, quoted.

    Never under its own name, nor in a schema called pack2: a role of that name would find it first.
    """
    return f"pack2_tuning.{quote(f'{name}_view')}"


def _report(connection: Connection, view: RollupView, outcome: str, started: float) -> AppliedRollup:
    row = connection.execute(
        "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(%s)",
        (f"{quote(view.schema)}.{quote(view.name)}",),
    ).fetchone()
    return AppliedRollup(view.name, outcome, row[0] if row else 0, time.monotonic() - started)


def _locked(connection: Connection, what: str, action: Callable[[], object]) -> None:
    """Run `action` in one transaction that never waits long for a lock, again until it got them."""

    def transact() -> None:
        with connection.transaction():
            action()

    with_retries(connection, what, transact, attempts=_ATTEMPTS, lock_timeout_seconds=_LOCK_SECONDS)


def _begin(connection: Connection, sql: RollupSql) -> None:
    view = sql.view
    _lock_source(connection, sql)
    columns = ", ".join(quote(column) for column in view.columns)
    connection.execute(
        f"CREATE TABLE {sql.table} AS SELECT {columns}"
        f" FROM {quote(view.schema)}.{quote(view.name)} WITH NO DATA"
    )
    connection.execute(
        f"ALTER TABLE {sql.table} ADD CONSTRAINT {quote(f'{view.name}_pkey')}"
        f" PRIMARY KEY ({sql.key_columns}),"
        " SET (fillfactor = 90)"
    )
    for operation in OPERATIONS:
        connection.execute(sql.create_function(operation))
        connection.execute(sql.create_trigger(operation, sql.source))
        for partition in _partitions(connection, sql):
            connection.execute(sql.create_trigger(operation, partition))
    connection.execute(
        "INSERT INTO pack2_tuning.rollups (name, view_schema, state) VALUES (%s, %s, 'filling')",
        (view.name, view.schema),
    )


def _lock_source(connection: Connection, sql: RollupSql) -> None:
    """Wait for every writer of the source to end, and hold new ones up: no write may straddle a change."""
    connection.execute(f"LOCK TABLE {sql.source} IN SHARE ROW EXCLUSIVE MODE")


def _partitions(connection: Connection, sql: RollupSql) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT relid::regclass::text FROM pg_partition_tree(%s::regclass) WHERE level > 0 ORDER BY 1",
        (sql.source,),
    ).fetchall()
    return tuple(row[0] for row in rows)


def uncovered_partitions(connection: Connection, sql: RollupSql) -> tuple[str, ...]:
    """The source's partitions (quoted) that lack the triggers: those attached since the last apply."""
    rows = connection.execute(
        "SELECT t.relid::regclass::text FROM pg_partition_tree(%s::regclass) t WHERE t.level > 0 AND"
        " (SELECT count(*) FROM pg_trigger WHERE tgrelid = t.relid AND tgname = ANY (%s)) < %s ORDER BY 1",
        (sql.source, [f"pack2_{sql.view.name}_{operation}" for operation in OPERATIONS], len(OPERATIONS)),
    ).fetchall()
    return tuple(row[0] for row in rows)


def _cover_partitions(connection: Connection, sql: RollupSql) -> int:
    """Put the triggers on partitions that lack them and take in the rows that these came with."""
    uncovered = uncovered_partitions(connection, sql)
    for partition in uncovered:

        def cover(partition: str = partition) -> None:
            connection.execute(f"LOCK TABLE {partition} IN SHARE ROW EXCLUSIVE MODE")
            for operation in OPERATIONS:
                connection.execute(f"DROP TRIGGER IF EXISTS {sql.trigger(operation)} ON {partition}")
                connection.execute(sql.create_trigger(operation, partition))
            connection.execute(f"SELECT {sql.lock_all()}")
            connection.execute(sql.refresh(sql.buckets_of(partition)))

        _locked(connection, f"Rollup {sql.view.name} on {partition}", cover)
    return len(uncovered)


def _extend(connection: Connection, sql: RollupSql, started: float) -> AppliedRollup:
    covered = _cover_partitions(connection, sql)
    return _report(connection, sql.view, "extended" if covered else "present", started)


def _fill(connection: Connection, sql: RollupSql, filled_to: str | None, on_progress: Progress) -> None:
    """Fill the buckets that no write has made yet, chunk by chunk; the triggers keep what is there."""
    chunks = list(_chunks(connection, sql, filled_to))
    for number, (conditions, upper) in enumerate(chunks):
        on_progress(f"{sql.view.name}: filling", number / len(chunks))

        def chunk(conditions: tuple[str, ...] = conditions, upper: str | None = upper) -> None:
            connection.execute(f"SELECT {sql.lock_all()}")
            connection.execute(sql.fill(*conditions))
            connection.execute(
                "UPDATE pack2_tuning.rollups SET filled_to = %s WHERE name = %s", (upper, sql.view.name)
            )

        _locked(connection, f"Filling {sql.view.name}", chunk)


def _chunks(
    connection: Connection, sql: RollupSql, filled_to: str | None
) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """(conditions on the source's rows, the bucket up to which is filled then), in order of time."""
    bucket = sql.view.bucket
    if bucket is None or bucket.range_column is None:
        yield (), None
        return
    column = bucket.range_column
    bounds = connection.execute(
        f"SELECT DISTINCT (SELECT {bucket.expression}"
        f" FROM (SELECT low + (high - low) * i / n AS {column}) p)::text"
        f" FROM (SELECT min({column}) AS low, max({column}) AS high,"
        f" greatest(1, count(*) / {_CHUNK_ROWS}) AS n"
        f" FROM {sql.source}) s, generate_series(0, n) AS i WHERE low IS NOT NULL ORDER BY 1"
    ).fetchall()
    edges = [row[0] for row in bounds if filled_to is None or row[0] >= filled_to]
    for lower, upper in zip(edges, [*edges[1:], None], strict=True):
        conditions = [f"{column} >= {literal(lower)}"]
        if upper is not None:
            conditions.append(f"{column} < {literal(upper)}")
        yield tuple(conditions), upper


def _swap(connection: Connection, sql: RollupSql) -> None:
    """The table takes the view's name; the view goes to schema pack2_tuning and stays the truth."""
    view = sql.view
    name = f"{quote(view.schema)}.{quote(view.name)}"
    _lock_source(connection, sql)
    grants = connection.execute(
        "SELECT grantee::regrole::text, grantee, is_grantable FROM pg_class, aclexplode(relacl)"
        " WHERE oid = %s::regclass AND privilege_type = 'SELECT' AND grantee <> relowner",
        (name,),
    ).fetchall()
    connection.execute(f"ALTER VIEW {name} RENAME TO {quote(f'{view.name}_view')}")
    connection.execute(
        f"ALTER VIEW {quote(view.schema)}.{quote(f'{view.name}_view')} SET SCHEMA pack2_tuning"
    )
    connection.execute(f"ALTER TABLE {sql.table} SET SCHEMA {quote(view.schema)}")
    connection.execute(
        f"ALTER TABLE {quote(view.schema)}.{quote(f'{view.name}_table')} RENAME TO {quote(view.name)}"
    )
    for role, oid, grantable in grants:
        option = " WITH GRANT OPTION" if grantable else ""
        connection.execute(f"GRANT SELECT ON {name} TO {role if oid else 'PUBLIC'}{option}")
    comment = f"Rollup of the view {kept_view(view.name)}, maintained by triggers; see `pack2 rollup`."
    connection.execute(f"COMMENT ON TABLE {name} IS {literal(comment)}")
    named = RollupSql(view, name)
    for operation in OPERATIONS:
        connection.execute(named.create_function(operation))
    connection.execute("UPDATE pack2_tuning.rollups SET state = 'applied' WHERE name = %s", (view.name,))


def _rollback_one(connection: Connection, name: str) -> AppliedRollup:
    started = time.monotonic()
    line = ledgered(connection, name)
    if line is None:
        raise RollupMissingError(view=name)
    if line.state == "applied":
        sql = applied_sql(connection, name)
    else:
        view = read_view(connection, f"{quote(line.view_schema)}.{quote(line.name)}")
        sql = RollupSql(view, f"pack2_tuning.{quote(f'{line.name}_table')}")
    try:
        _locked(connection, f"Rollup {name}", lambda: _remove(connection, sql, line.state == "applied"))
    except pg.DependentObjectsStillExist as error:
        reason = (error.diag.message_detail or str(error)).splitlines()[0]
        raise RollupConflictError(view=name, reason=reason, action="Drop that first.") from None
    return AppliedRollup(line.name, "removed", 0, time.monotonic() - started)


def _remove(connection: Connection, sql: RollupSql, is_applied: bool) -> None:
    view = sql.view
    _lock_source(connection, sql)
    for operation in OPERATIONS:
        rows = connection.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = %s AND tgfoid = to_regproc(%s)",
            (f"pack2_{view.name}_{operation}", sql.function(operation)),
        ).fetchall()
        for (relation,) in rows:
            connection.execute(f"DROP TRIGGER {sql.trigger(operation)} ON {relation}")
        connection.execute(f"DROP FUNCTION {sql.function(operation)}()")
    connection.execute(f"DROP TABLE {sql.table}")
    if is_applied:
        connection.execute(f"ALTER VIEW {kept_view(view.name)} SET SCHEMA {quote(view.schema)}")
        kept = f"{quote(view.schema)}.{quote(f'{view.name}_view')}"
        connection.execute(f"ALTER VIEW {kept} RENAME TO {quote(view.name)}")
    connection.execute("DELETE FROM pack2_tuning.rollup_marks WHERE rollup = %s", (view.name,))
    connection.execute("DELETE FROM pack2_tuning.rollups WHERE name = %s", (view.name,))
