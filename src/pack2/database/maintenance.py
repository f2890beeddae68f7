"""Keeps a database fast: statistics, dead rows, bloat, and what stopped builds left behind.

What is wrong is asked first, and only that is mended: each statement on its own, never in a transaction,
and nothing that locks writers out.
"""

from __future__ import annotations

import time
from datetime import datetime
from importlib.resources import files
from typing import Any

import msgspec
from psycopg import errors as pg

from pack2.database.connection import Connection, Progress, connect, exclusive, silent, with_retries

FUNCTION = "maintenance_db_performance"
_FINDINGS = files("pack2.database").joinpath("maintenance_findings.sql").read_text()
_HOLDERS = files("pack2.database").joinpath("maintenance_holders.sql").read_text()
_LEFTOVERS = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_index x ON x.indexrelid = c.oid
WHERE NOT x.indisvalid AND c.relname ~ '_cc(new|old)\\d*$'
  AND x.indrelid = (SELECT indrelid FROM pg_index WHERE indexrelid = to_regclass(%s))
  AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.relid = x.indrelid)"""

# ANALYZE is all that a function may run of it: VACUUM and REINDEX CONCURRENTLY refuse every transaction.
_CREATE_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {FUNCTION}()
RETURNS TABLE (kind text, object text, evidence text, statement text, wasted_bytes bigint, is_done boolean)
LANGUAGE plpgsql SET search_path = pg_catalog AS $function$
#variable_conflict use_column
DECLARE
    found record;
BEGIN
    FOR found IN
{_FINDINGS}
    LOOP
        kind := found.kind; object := found.object; evidence := found.evidence;
        statement := found.statement; wasted_bytes := found.wasted_bytes;
        is_done := starts_with(found.statement, 'ANALYZE ');
        IF is_done THEN
            EXECUTE found.statement;
        END IF;
        RETURN NEXT;
    END LOOP;
END $function$;
COMMENT ON FUNCTION {FUNCTION}() IS
    'Pack 2: renews stale statistics and lists what pack2 maintain would do besides';"""


class Finding(msgspec.Struct, frozen=True):
    """One thing to do: what is wrong with `object`, how that is known, and the statement that mends it."""

    kind: str
    object: str
    evidence: str
    statement: str
    wasted_bytes: int


class Task(msgspec.Struct, frozen=True):
    """A finding and what became of it. `state`: done, planned, or failed with its reason in `error`."""

    finding: Finding
    state: str
    seconds: float = 0.0
    freed_bytes: int = 0
    error: str = ""


def findings(connection: Connection) -> tuple[Finding, ...]:
    """What should be done in this database, most urgent first."""
    return tuple(Finding(*row) for row in connection.execute(_FINDINGS).fetchall())


def maintain(url: str, *, dry_run: bool = False, on_progress: Progress = silent) -> tuple[Task, ...]:
    """Find out what the database at `url` needs and, unless `dry_run`, do it and create the SQL function.

    One statement's failure does not stop the others. A table that two findings name is treated once. A VACUUM
    that older transactions kept from its rows is done again once; where one still does, the task failed and
    names it. Raises DatabaseUnreachableError, BusyError.
    """
    with connect(url) as connection, exclusive(connection, "maintain"):
        if dry_run:
            return tuple(Task(finding, "planned") for finding in findings(connection))
        # VACUUM takes no row for visible to all whose commit is not on disk yet.
        connection.execute("SET synchronous_commit = on")
        create_function(connection)
        todo = findings(connection)
        tasks: list[Task] = []
        for number, finding in enumerate(todo):
            on_progress(finding.statement, number / len(todo))
            tasks.append(_do(connection, finding))
        left = _left(connection)
        return tuple(_again(connection, task) if _is_held(task, left) else task for task in tasks)


def create_function(connection: Connection) -> None:
    """Create `maintenance_db_performance()` in the first schema of the search path; again is as once."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('pack2 maintenance function', 0))")
        connection.execute(f"DROP FUNCTION IF EXISTS {FUNCTION}()")
        connection.execute(_CREATE_FUNCTION)


def _do(connection: Connection, finding: Finding) -> Task:
    before = _size(connection, finding.object)
    started = time.monotonic()

    def act() -> None:
        connection.execute(finding.statement)

    def clean() -> None:
        _drop_leftovers(connection, finding.object)

    try:
        with_retries(connection, finding.statement, act, attempts=3, after_failure=clean)
    except pg.Error as error:
        clean()
        reason = str(error).strip().splitlines()[0]
        return Task(finding, "failed", time.monotonic() - started, error=reason)
    freed = max(0, before - _size(connection, finding.object))
    return Task(finding, "done", time.monotonic() - started, freed)


def _left(connection: Connection) -> set[tuple[str, str]]:
    return {(finding.kind, finding.object) for finding in findings(connection)}


def _is_held(task: Task, left: set[tuple[str, str]]) -> bool:
    vacuums = task.finding.statement.startswith("VACUUM ")
    return vacuums and task.state == "done" and (task.finding.kind, task.finding.object) in left


def _again(connection: Connection, first: Task) -> Task:
    """VACUUM once more: what a short transaction had kept from the first is free by now."""
    since: datetime = connection.execute("SELECT clock_timestamp()").fetchall()[0][0]
    task = _do(connection, first.finding)
    holders = connection.execute(_HOLDERS, {"since": since}).fetchall()
    if not holders or not _is_held(task, _left(connection)):
        return task
    reason = f"{holders[0][0]} may still see its rows; end it and run `pack2 maintain` again"
    return msgspec.structs.replace(task, state="failed", error=reason)


def _drop_leftovers(connection: Connection, index: str) -> None:
    """Drop the half-built twin that a refused REINDEX CONCURRENTLY of `index` left."""
    rows = connection.execute(_LEFTOVERS, (index,)).fetchall()
    for (leftover,) in rows:
        connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {leftover}")


def _size(connection: Connection, name: str) -> int:
    row: tuple[Any, ...] | None = connection.execute(
        "SELECT coalesce(pg_total_relation_size(to_regclass(%s)), 0)", (name,)
    ).fetchone()
    return int(row[0]) if row and row[0] is not None else 0
