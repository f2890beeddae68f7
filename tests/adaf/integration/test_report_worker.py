"""Worker processes as they live and die: every report is made, once, whatever happens to who makes it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from adaf.database import Database
from adaf.metrics.families import new_recorder
from adaf.reports.models import ReportRequest
from adaf.reports.writes import request_report
from adaf.settings import Settings

WORKER = """
import asyncio, sys
from adaf.reports.worker import run
from adaf.settings import Settings
settings = Settings(database_url=sys.argv[1], pool_connections=2)
ready = lambda: print("ready", flush=True)
asyncio.run(run(settings, heartbeat_seconds=0.2, stalled_seconds=1.0, on_ready=ready))
"""
STATE = """SELECT r.status, r.progress_percent, r.error, count(f.report_id) AS files,
    (SELECT count(*) FROM procrastinate.procrastinate_jobs) AS jobs
    FROM reports r LEFT JOIN report_files f ON f.report_id = r.id WHERE r.id = $1 GROUP BY r.id"""

Start = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def worker(sample_copy: str, tmp_path: Path) -> Iterator[Start]:
    """Starts workers on the copy; those that are left are killed."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        log = (tmp_path / f"worker{len(started)}.log").open("w")
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, sample_copy], stdout=subprocess.PIPE, stderr=log, text=True
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", (tmp_path / "worker0.log").read_text()
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
async def db(sample_copy: str) -> AsyncIterator[Database]:
    opened = Database(Settings(database_url=sample_copy))
    yield opened
    await opened.stop()


@pytest.fixture
async def sql(sample_copy: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(sample_copy)
    yield opened
    await opened.close()


async def asked(db: Database, **more: Any) -> int:
    """A report of the trader's first portfolio that waits for a worker."""
    return (await request_report(db, 2, ReportRequest(portfolio_id=2, **more), new_recorder())).id


async def state(sql: asyncpg.Connection, report_id: int) -> dict[str, Any]:
    return dict(await sql.fetchrow(STATE, report_id))


async def until(sql: asyncpg.Connection, report_id: int, seconds: float = 20, **wanted: Any) -> None:
    """Returns when the report's row is as `wanted`; fails with how it is."""
    deadline = time.monotonic() + seconds
    while not wanted.items() <= (found := await state(sql, report_id)).items():
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.02)


DONE = {"status": "done", "progress_percent": 100, "files": 1, "jobs": 0}


@pytest.mark.alone
async def test_a_worker_makes_what_is_asked_for(worker: Start, db: Database, sql: Any) -> None:
    """Reports that waited and reports asked for now are made, the latter within a second."""
    first = await asked(db)
    worker()
    await until(sql, first, **DONE)
    started = time.monotonic()
    second = await asked(db, format="csv")
    await until(sql, second, **DONE)
    assert time.monotonic() - started < 2


async def test_a_killed_workers_report_is_made_by_another(worker: Start, db: Database, sql: Any) -> None:
    """SIGKILL in the middle of a report: another worker finishes it, and it has one file."""
    report = await asked(db)
    gate = sql.transaction()
    await gate.start()
    await sql.execute("LOCK TABLE report_files IN SHARE MODE")  # nobody can store a file
    killed = worker()
    await until(sql, report, status="running", progress_percent=90)
    killed.kill()
    killed.wait()
    await gate.rollback()
    worker()
    await until(sql, report, **DONE)


@pytest.mark.alone
async def test_a_worker_is_stopped_within_seconds(worker: Start, db: Database, sql: Any) -> None:
    """SIGTERM in the middle of a report: gone within 5 seconds, the report back in the queue at once."""
    report = await asked(db)
    gate = sql.transaction()
    await gate.start()
    await sql.execute("LOCK TABLE report_files IN SHARE MODE")
    process = worker()
    await until(sql, report, status="running", progress_percent=90)
    process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    assert await asyncio.to_thread(process.wait, 10) == 0
    assert time.monotonic() - started < 5
    statuses = await sql.fetch("SELECT status::text FROM procrastinate.procrastinate_jobs")
    assert [row["status"] for row in statuses] == ["todo"]
    await gate.rollback()
    worker()
    await until(sql, report, **DONE)


async def test_a_failing_report_is_tried_again(worker: Start, db: Database, sql: Any) -> None:
    """What fails is tried again after a pause, and is made once the cause is gone."""
    report = await asked(db)
    await sql.execute("ALTER TABLE market_data RENAME TO away")
    worker()
    await until(sql, report, status="running", jobs=1)
    retried = "SELECT count(*) FROM procrastinate.procrastinate_jobs WHERE attempts > 0"
    while not await sql.fetchval(retried):  # noqa: ASYNC110 - another process's work
        await asyncio.sleep(0.02)
    await sql.execute("ALTER TABLE away RENAME TO market_data")
    await until(sql, report, **DONE)


async def test_a_worker_outlives_its_connections(worker: Start, db: Database, sql: Any) -> None:
    """PostgreSQL ends all of its connections; the worker connects again and goes on."""
    process = worker()
    await sql.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    report = await asked(db)
    await until(sql, report, **DONE)
    assert process.poll() is None


async def test_many_workers_make_each_report_once(worker: Start, db: Database, sql: Any) -> None:
    """Three workers, eight reports, one worker killed on the way: eight files."""
    reports = [
        await asked(db, format="csv", kind=kind) for kind in ("statement", "performance", "transactions")
    ]
    reports += [await asked(db, kind=kind) for kind in ("statement", "performance", "transactions")]
    workers = [worker() for _ in range(3)]
    os.kill(workers[0].pid, signal.SIGKILL)
    for report in reports:
        await until(sql, report, status="done", files=1)
    await until(sql, reports[0], **DONE)
