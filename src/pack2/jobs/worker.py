"""A worker that survives what happens to workers: a stop, a lost database, a SIGKILL of its neighbour.

A worker shows a heartbeat. A job whose worker shows none any more goes back into the queue, a limited number
of times, so that a job which kills its worker does not do so for ever. A task must therefore be able to run
twice: it finishes by a statement that only the first run can win.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import psycopg
from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition, Job, Status
from procrastinate.utils import utcnow
from psycopg_pool import PoolTimeout

log = logging.getLogger("pack2.jobs")

MOST_ATTEMPTS: Final = 4
HEARTBEAT_SECONDS: Final = 1.0
STALLED_SECONDS: Final = 6.0
STOP_SECONDS: Final = 1.5
RECONNECT_SECONDS: Final = 1.0
POLL_SECONDS: Final = 1.0  # for what is due later: new jobs announce themselves

Lost = Callable[[Job], Awaitable[None]]
"""Told of a job that is given up because its workers died."""


class Backoff(BaseRetryStrategy):
    """Again after 1, 4, 16 … seconds, up to MOST_ATTEMPTS attempts; at once where the worker was stopped."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision(retry_at=utcnow())
        if job.attempts + 1 >= MOST_ATTEMPTS:
            return None
        return RetryDecision(retry_at=utcnow() + timedelta(seconds=4**job.attempts))


def connector(url: str) -> PsycopgConnector:
    """Procrastinate's door to its schema in the database at `url`."""
    return PsycopgConnector(conninfo=url, min_size=1, max_size=3, timeout=10, configure=_own_schema)


async def work(
    app: App,
    queues: list[str],
    *,
    concurrency: int = 1,
    on_ready: Callable[[], None] = lambda: None,
    on_lost: Lost | None = None,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    stalled_seconds: float = STALLED_SECONDS,
    stop_seconds: float = STOP_SECONDS,
) -> None:
    """Run jobs of `queues` until SIGTERM or SIGINT; a running job then gets `stop_seconds`, and is queued
    again.

    A database that goes away is waited for.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    while not stopped.is_set():
        running = asyncio.create_task(
            _run(
                app,
                queues,
                concurrency=concurrency,
                heartbeat_seconds=heartbeat_seconds,
                stalled_seconds=stalled_seconds,
                stop_seconds=stop_seconds,
                on_ready=on_ready,
                on_lost=on_lost,
            )
        )
        stopping = asyncio.create_task(stopped.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        running.cancel()
        try:
            await running
        except asyncio.CancelledError:
            pass
        except (ConnectorException, PoolTimeout, psycopg.Error, OSError) as error:
            log.warning("the database does not answer (%s); trying again", type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), RECONNECT_SECONDS)


async def _run(
    app: App,
    queues: list[str],
    *,
    concurrency: int,
    heartbeat_seconds: float,
    stalled_seconds: float,
    stop_seconds: float,
    on_ready: Callable[[], None],
    on_lost: Lost | None,
) -> None:
    async with app.open_async():
        on_ready()
        rescuer = asyncio.create_task(_rescue_for_ever(app, queues, stalled_seconds, on_lost))
        try:
            await app.run_worker_async(
                queues=queues,
                concurrency=concurrency,
                shutdown_graceful_timeout=stop_seconds,
                install_signal_handlers=False,
                delete_jobs=DeleteJobCondition.ALWAYS,
                fetch_job_polling_interval=POLL_SECONDS,
                update_heartbeat_interval=heartbeat_seconds,
                stalled_worker_timeout=stalled_seconds,
            )
        finally:
            rescuer.cancel()
            with suppress(asyncio.CancelledError):
                await rescuer


async def _rescue_for_ever(app: App, queues: list[str], stalled_seconds: float, on_lost: Lost | None) -> None:
    while True:
        try:
            await rescue(app, queues, stalled_seconds, on_lost)
        except (ConnectorException, psycopg.Error, OSError) as error:
            log.info("stalled jobs could not be looked for: %s", error)
        await asyncio.sleep(stalled_seconds / 4)


async def rescue(app: App, queues: list[str], stalled_seconds: float, on_lost: Lost | None = None) -> int:
    """Queue again the jobs of `queues` whose worker shows no heartbeat; returns how many."""
    found = 0
    for queue in queues:
        stalled = await app.job_manager.get_stalled_jobs(queue=queue, seconds_since_heartbeat=stalled_seconds)
        for job in stalled:
            with suppress(ConnectorException):  # another worker was first
                await _rescue_one(app, job, on_lost)
                found += 1
    return found


async def _rescue_one(app: App, job: Job, on_lost: Lost | None) -> None:
    if job.attempts + 1 < MOST_ATTEMPTS:
        log.warning("job %s lost its worker; queued again", job.id)
        await app.job_manager.retry_job(job)
        return
    log.error("job %s lost its worker %d times; given up", job.id, MOST_ATTEMPTS)
    if on_lost is not None:
        await on_lost(job)
    await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)


async def _own_schema(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute("SELECT set_config('search_path', 'procrastinate', false)")
    await connection.commit()
