"""Takes out of a database what Pack 2 put there, the last first; the application's data stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import psycopg
from psycopg import errors as pg

from pack2.cache import feed_schema
from pack2.database import indexes, rollups
from pack2.database.connection import connect, exclusive
from pack2.database.maintenance import FUNCTION
from pack2.deploy.checks import LISTENERS
from pack2.deploy.errors import ListenersError
from pack2.deploy.journal import Journal, StepRecord, alone
from pack2.deploy.model import Outcome, Target, done, failed
from pack2.errors import Pack2Error

_LEDGERS: Final = ("index_ledger", "rollup_marks", "rollups")

OnUndone = Callable[[str, Outcome], None]


def rollback(
    target: Target, *, dry_run: bool = False, on_step: OnUndone = lambda _name, _outcome: None
) -> tuple[tuple[str, Outcome], ...]:
    """Undo the steps in reverse order; each is tried even where one before failed. Twice is as once.

    Raises ListenersError while processes answer from the cache: without the feed they would serve old data.
    A dry run, which is asked for in the middle of an incident, says so instead. Raises
    DeploymentRunningError and BusyError while a deployment is at work.
    """
    folder = target.services.state.folder
    with alone(folder), connect(target.database_url) as connection, exclusive(connection, "deploy", 0):
        pids = [str(row[0]) for row in connection.execute(LISTENERS).fetchall()]
        refusal = ListenersError(count=len(pids), pids=", ".join(pids)) if pids else None
        if refusal and not dry_run:
            raise refusal
        journal = Journal(folder / "deploy.json")
        if not dry_run:
            journal.begin("rollback")
        results = [("processes", Outcome("planned", f"it will be refused. {refusal}"))] if refusal else []
        for name, outcome in results:
            on_step(name, outcome)
        for name, plan, undo in _PARTS:
            outcome = Outcome("planned", plan) if dry_run else _attempt(undo, target)
            on_step(name, outcome)
            results.append((name, outcome))
            if not dry_run:
                journal.record(StepRecord(name, outcome.state, outcome.text, 0.0))
        if not dry_run:
            journal.end()
    return tuple(results)


def _attempt(undo: Callable[[Target], Outcome], target: Target) -> Outcome:
    try:
        return undo(target)
    except Pack2Error as error:
        return failed(str(error))
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        return failed(f"{reason}. Mend that, then run `pack2 rollback` again.")


def _feed(target: Target) -> Outcome:
    return done(f"{feed_schema.rollback(target.database_url)} triggers removed")


def _function(target: Target) -> Outcome:
    with connect(target.database_url) as connection:
        connection.execute(f"DROP FUNCTION IF EXISTS {FUNCTION}()")
    return done("dropped")


def _rollups(target: Target) -> Outcome:
    with target.progress() as on_progress:
        undone = rollups.rollback(target.database_url, (), on_progress=on_progress)
    return done(f"{len(undone)} plain views again")


def _indexes(target: Target) -> Outcome:
    with target.progress() as on_progress:
        dropped = indexes.rollback(target.database_url, on_progress=on_progress)
    return done(f"{sum(item.outcome == 'dropped' for item in dropped)} dropped")


def _ledgers(target: Target) -> Outcome:
    """What still has lines says that a part before failed: it is needed to try again."""
    with connect(target.database_url) as connection, connection.transaction():
        for name in _LEDGERS:
            row = connection.execute("SELECT to_regclass(%s)", (f"pack2_tuning.{name}",)).fetchone()
            if row == (None,):
                continue
            connection.execute(f"LOCK TABLE pack2_tuning.{name}")
            if connection.execute(f"SELECT FROM pack2_tuning.{name} LIMIT 1").fetchone() is not None:
                return failed(f"pack2_tuning.{name} still names what could not be taken back")
            connection.execute(f"DROP TABLE pack2_tuning.{name}")
        try:
            with connection.transaction():
                connection.execute("DROP SCHEMA IF EXISTS pack2_tuning")
        except pg.DependentObjectsStillExist:
            return done("dropped; the schema pack2_tuning stays: it holds more")
    return done("dropped")


_PARTS: Final = (
    ("change feed", "remove its triggers and functions", _feed),
    ("maintenance function", f"drop {FUNCTION}()", _function),
    ("rollups", "give the plain views back", _rollups),
    ("indexes", "drop what `pack2 indexes apply` built", _indexes),
    ("ledgers", "drop the lists of what was built", _ledgers),
)
