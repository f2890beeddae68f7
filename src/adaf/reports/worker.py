"""The worker process: procrastinate's queue `reports` on the dashboard's own database."""

from __future__ import annotations

import logging
from collections.abc import Callable

import psycopg
from procrastinate import App, JobContext
from procrastinate.jobs import Job

from adaf.database import Database
from adaf.reports.making import UNEXPECTED, make
from adaf.settings import Settings
from pack2.jobs import Backoff, connector, ensure_jobs, work
from pack2.jobs.worker import HEARTBEAT_SECONDS, MOST_ATTEMPTS, STALLED_SECONDS

QUEUE = "reports"
TASK = "adaf.reports.make"


def jobs(url: str, db: Database) -> App:
    """The queue's application with its one task."""
    app = App(connector=connector(url))

    @app.task(name=TASK, queue=QUEUE, retry=Backoff(), pass_context=True)
    async def make_report(context: JobContext, *, report_id: int) -> None:
        await make(db, report_id, is_last_attempt=context.job.attempts + 1 >= MOST_ATTEMPTS)

    return app


async def run(
    settings: Settings,
    *,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    stalled_seconds: float = STALLED_SECONDS,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Make reports until SIGTERM or SIGINT."""
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        ensure_jobs(connection)
    db = Database(settings)

    async def give_up(job: Job) -> None:
        await db.execute("report_fail", job.task_kwargs["report_id"], UNEXPECTED)

    try:
        await work(
            jobs(settings.database_url, db),
            [QUEUE],
            on_ready=on_ready,
            on_lost=give_up,
            heartbeat_seconds=heartbeat_seconds,
            stalled_seconds=stalled_seconds,
        )
    finally:
        await db.stop()
