"""The process that watches the clock: procrastinate's periodic tasks, each time deferred and run once.

Procrastinate notes each (task, time) once, whoever defers it. A job whose worker was stopped or killed comes
back to another one; a time for which a run has ended is not run again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Final

from procrastinate import App, JobContext

from pack2.database.connection import connect
from pack2.jobs import Backoff, connector, ensure_jobs, work
from pack2.jobs.worker import STALLED_SECONDS
from pack2.schedule.run import run_once
from pack2.schedule.tasks import Task

QUEUE: Final = "pack2-schedule"
LATE_SECONDS: Final = 3600
"""A time that passed while no worker ran is caught up with for so long."""

ENDING_SECONDS: Final = 60.0
"""What a killed worker's task gets to end before another worker's run of it is given up."""

Say = Callable[[str], None]


def scheduler(url: str, tasks: tuple[Task, ...], *, state: Path, keep_runs: int, say: Say) -> App:
    """The queue's application: one periodic task for each of `tasks`."""
    app = App(connector=connector(url), periodic_defaults={"max_delay": LATE_SECONDS})
    for task in tasks:
        _register(app, url, task, state, keep_runs, say)
    return app


async def watch(
    url: str,
    tasks: tuple[Task, ...],
    *,
    state: Path,
    keep_runs: int,
    say: Say,
    stalled_seconds: float = STALLED_SECONDS,
) -> None:
    """Defer and run `tasks` at their times until SIGTERM or SIGINT; any number of processes may do so.

    `say` is told one line when it begins and one after each run. A worker without a heartbeat for
    `stalled_seconds` is taken for dead.
    """
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    with connect(url) as connection:
        ensure_jobs(connection)
    app = scheduler(url, tasks, state=state, keep_runs=keep_runs, say=say)
    await work(
        app,
        [QUEUE],
        concurrency=len(tasks),
        on_ready=lambda: say(f"watching {len(tasks)} tasks"),
        heartbeat_seconds=stalled_seconds / 6,
        stalled_seconds=stalled_seconds,
    )


def _register(app: App, url: str, task: Task, state: Path, keep_runs: int, say: Say) -> None:
    @app.periodic(cron=task.cron, periodic_id=task.name)
    @app.task(name=f"pack2.schedule.{task.name}", queue=QUEUE, retry=Backoff(), pass_context=True)
    async def run(context: JobContext, timestamp: int) -> None:
        due = datetime.fromtimestamp(timestamp, UTC)
        give_up_at = monotonic() + (ENDING_SECONDS if context.job.attempts else 0)
        while True:
            outcome, code = await run_once(url, task, state=state, keep_runs=keep_runs, due_at=due)
            if outcome is not None or monotonic() >= give_up_at:
                break
            await asyncio.sleep(0.5)
        say(f"{task.name} of {due:%Y-%m-%d %H:%M}: {outcome or 'runs already'}, exit code {code}")
