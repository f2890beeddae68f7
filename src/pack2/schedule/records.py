"""What ran, when, how it ended and what it said: the last runs of each task, in schema `pack2_tuning`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
import psycopg

Outcome = Literal["running", "done", "failed", "timeout", "stopped", "lost"]

_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS pack2_tuning;
CREATE TABLE IF NOT EXISTS pack2_tuning.schedule_runs (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task       text NOT NULL,
    due_at     timestamptz,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seconds    double precision,
    outcome    text NOT NULL DEFAULT 'running',
    exit_code  integer,
    output     text NOT NULL DEFAULT ''
);
"""
_RUNS = """
SELECT task, due_at, started_at, seconds, outcome, exit_code, output FROM pack2_tuning.schedule_runs
WHERE task = %s ORDER BY id DESC
"""
_ENDED = """
SELECT task, due_at, started_at, seconds, outcome, exit_code, output FROM pack2_tuning.schedule_runs
WHERE task = %s AND due_at = %s AND outcome IN ('done', 'failed', 'timeout')
"""


class Run(msgspec.Struct, frozen=True):
    """One run; `lost` means that its runner was killed. `output` is the end of what it printed.

    `due_at` is the time of the schedule that it belongs to, None where somebody asked for it.
    """

    task: str
    due_at: datetime | None
    started_at: datetime
    seconds: float | None
    outcome: Outcome
    exit_code: int | None
    output: str


def begin(connection: psycopg.Connection[Any], task: str, due_at: datetime | None) -> int | Run:
    """Note that `task` runs now, or the run that already ended for `due_at`.

    Call with the task's lock held: what still seems to run was killed.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('pack2 schedule_runs', 0))")
        connection.execute(_SCHEMA)
        lose(connection, task)
        if ended := connection.execute(_ENDED, (task, due_at)).fetchone():
            return Run(*ended)
        row = connection.execute(
            "INSERT INTO pack2_tuning.schedule_runs (task, due_at) VALUES (%s, %s) RETURNING id",
            (task, due_at),
        ).fetchone()
    assert row is not None
    return int(row[0])


def lose(connection: psycopg.Connection[Any], task: str) -> None:
    """Note that what seems to run was killed with its runner; call with the task's lock held."""
    connection.execute(
        "UPDATE pack2_tuning.schedule_runs SET outcome = 'lost' WHERE task = %s AND outcome = 'running'",
        (task,),
    )


def end(
    connection: psycopg.Connection[Any],
    run_id: int,
    outcome: Outcome,
    exit_code: int | None,
    output: str,
    *,
    keep_runs: int,
) -> None:
    """Note how it ended, and forget all but the newest runs of the task."""
    connection.execute(
        "UPDATE pack2_tuning.schedule_runs SET outcome = %s, exit_code = %s, output = %s,"
        " seconds = extract(epoch FROM clock_timestamp() - started_at) WHERE id = %s",
        (outcome, exit_code, output.replace("\x00", ""), run_id),
    )
    connection.execute(
        "DELETE FROM pack2_tuning.schedule_runs r USING (SELECT task FROM pack2_tuning.schedule_runs"
        " WHERE id = %s) this WHERE r.task = this.task AND r.id <= (SELECT o.id FROM"
        " pack2_tuning.schedule_runs o WHERE o.task = this.task ORDER BY o.id DESC OFFSET %s LIMIT 1)",
        (run_id, keep_runs),
    )


def runs(connection: psycopg.Connection[Any], task: str, limit: int = 1) -> list[Run]:
    """The newest runs of `task`, the newest first; none where nothing ever ran."""
    found = connection.execute("SELECT to_regclass('pack2_tuning.schedule_runs')").fetchone()
    if found == (None,):
        return []
    return [Run(*row) for row in connection.execute(_RUNS + "LIMIT %s", (task, limit)).fetchall()]
