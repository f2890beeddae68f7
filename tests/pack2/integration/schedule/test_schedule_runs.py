"""Workers that watch the clock on a real PostgreSQL: each time is run once, whatever befalls its runner."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg
import pytest

from pack2.database.connection import connect
from pack2.schedule import Run, Task, run_once, runs, settle

WORKER = """
import asyncio, sys
from pathlib import Path
from pack2.schedule.scheduler import watch
from pack2.schedule import Task
url, state, cron, *command = sys.argv[1:]
task = Task("own", cron, tuple(command), 30)
say = lambda line: print(line, flush=True)
asyncio.run(watch(url, (task,), state=Path(state), keep_runs=50, say=say, stalled_seconds=1.2))
"""
JOURNAL = """
import os, signal, sys, time
from pathlib import Path
journal, release = Path(sys.argv[1]), Path(sys.argv[2])
if Path("stubborn").exists(): signal.signal(signal.SIGTERM, signal.SIG_IGN)
def note(word):
    with journal.open("a") as file: print(word, os.getpid(), file=file)
note("begin")
while not release.exists(): time.sleep(0.02)
note("end")
"""
EACH_SECOND = "* * * * * *"

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def journal(tmp_path: Path) -> tuple[Path, Path]:
    """Where the task notes that it begins and ends, and the file that it waits for."""
    return tmp_path / "journal", tmp_path / "release"


@pytest.fixture
def start(database: str, tmp_path: Path, journal: tuple[Path, Path]) -> Iterator[Start]:
    """Starts workers for one task, which notes itself; those that are left are killed."""
    started: list[subprocess.Popen[str]] = []

    def worker(cron: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", JOURNAL, *map(str, journal)]
        program = [sys.executable, "-c", WORKER, database, str(tmp_path), cron, *command]
        process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "watching 1 tasks\n"
        return process

    yield worker
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def minute_just_past() -> str:
    """A time of today's, or of the last minutes of yesterday's, that comes once and has just gone by."""
    past = datetime.fromtimestamp(time.time() - 60, UTC)
    return f"{past.minute} {past.hour} {past.day} {past.month} *"


def until(url: str, condition: Callable[[list[Run]], bool]) -> list[Run]:
    """The runs, once they are as wanted."""
    deadline = time.monotonic() + 40
    with connect(url) as connection:
        while not condition(found := runs(connection, "own", 100)):
            assert time.monotonic() < deadline, found
            connection.execute("SELECT pg_sleep(0.05)")
        return found


def words(journal: tuple[Path, Path]) -> list[str]:
    return [line.split()[0] for line in journal[0].read_text().splitlines()]


def test_two_workers_run_each_time_once(database: str, start: Start, journal: tuple[Path, Path]) -> None:
    """Every second one run, whoever of the two does it."""
    journal[1].touch()
    workers = [start(EACH_SECOND), start(EACH_SECOND)]
    found = until(database, lambda runs: sum(run.outcome == "done" for run in runs) >= 4)
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    due = [run.due_at for run in found]
    assert len(set(due)) == len(due)
    assert words(journal).count("end") == len(
        until(database, lambda runs: all(run.outcome != "running" for run in runs))
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_worker_leaves_is_done_by_another_once(
    database: str, start: Start, journal: tuple[Path, Path], number: signal.Signals
) -> None:
    """The task of a worker that is killed or stopped ends with it, and is run to its end by the next."""
    cron = minute_just_past()
    first = start(cron)
    until(database, lambda runs: bool(runs) and journal[0].exists())
    child = psutil.Process(int(journal[0].read_text().split()[1]))
    first.send_signal(number)
    first.wait(20)
    assert psutil.wait_procs([child], timeout=10)[1] == []
    journal[1].touch()
    second, third = start(cron), start(cron)
    found = until(database, lambda runs: bool(runs) and runs[0].outcome == "done")
    for worker in (second, third):
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    left = "lost" if number == signal.SIGKILL else "stopped"
    assert [run.outcome for run in found] == ["done", left]
    assert len({run.due_at for run in found}) == 1
    assert words(journal) == ["begin", "begin", "end"]


@pytest.mark.deep
def test_a_task_that_outlives_its_killed_worker_is_waited_for(
    database: str, start: Start, journal: tuple[Path, Path], tmp_path: Path
) -> None:
    """It holds the lock while it ends; only then is it run again, never beside itself."""
    (tmp_path / "stubborn").touch()
    cron = minute_just_past()
    first = start(cron)
    until(database, lambda runs: bool(runs) and journal[0].exists())
    child = psutil.Process(int(journal[0].read_text().split()[1]))
    first.kill()
    start(cron)
    with connect(database) as connection:
        while connection.execute("SELECT max(attempts) FROM procrastinate.procrastinate_jobs").fetchone() != (
            1,
        ):
            connection.execute("SELECT pg_sleep(0.05)")
        connection.execute("SELECT pg_sleep(1.5)")
    assert child.is_running()
    assert words(journal) == ["begin"]
    journal[1].touch()
    found = until(database, lambda runs: runs[0].outcome == "done")
    assert [run.outcome for run in found] == ["done", "lost"]
    assert words(journal) == ["begin", "end", "begin", "end"]


def test_a_time_that_was_run_is_not_run_again(database: str, tmp_path: Path) -> None:
    """As when a worker is killed between the end of a run and the end of its job."""
    task, due = Task("own", "0 0 * * *", ("echo", "hello"), 30), datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(2):
        ran = asyncio.run(run_once(database, task, state=tmp_path, keep_runs=5, due_at=due))
        assert ran == ("done", 0)
    with connect(database) as connection:
        (run,) = runs(connection, "own", 10)
    assert (run.outcome, run.exit_code, run.output, run.due_at) == ("done", 0, "hello\n", due)


@pytest.mark.parametrize(
    ("command", "timeout", "outcome", "code", "output"),
    [
        (("sh", "-c", "echo oh >&2; exit 3"), 30, "failed", 3, "oh\n"),
        (("sh", "-c", "echo on; sleep 60 & wait"), 0.3, "timeout", 1, "on\n"),
        (
            ("no-such-program",),
            30,
            "failed",
            127,
            "The program no-such-program of the task own is not there.",
        ),
    ],
)
def test_how_a_run_ended_is_recorded(
    database: str,
    tmp_path: Path,
    command: tuple[str, ...],
    timeout: float,
    outcome: str,
    code: int,
    output: str,
) -> None:
    """With its exit code and the end of what it said."""
    task = Task("own", "0 0 * * *", command, timeout)
    assert asyncio.run(run_once(database, task, state=tmp_path, keep_runs=5)) == (outcome, code)
    with connect(database) as connection:
        (run,) = runs(connection, "own", 10)
    assert run.outcome == outcome
    assert run.output.startswith(output)
    assert run.seconds is not None


def test_a_task_runs_once_at_a_time(database: str, tmp_path: Path) -> None:
    """Whoever asks while it runs is told so."""

    async def both() -> list[tuple[str | None, int]]:
        task = Task("own", "0 0 * * *", ("sh", "-c", f"until test -e {tmp_path}/go; do sleep 0.05; done"), 30)
        first = asyncio.create_task(run_once(database, task, state=tmp_path, keep_runs=5))
        await asyncio.to_thread(until, database, bool)
        second = await run_once(database, task, state=tmp_path, keep_runs=5)
        (tmp_path / "go").touch()
        return [second, await first]

    assert asyncio.run(both()) == [(None, 75), ("done", 0)]


def test_only_the_newest_runs_are_kept(database: str, tmp_path: Path) -> None:
    """A task that runs each minute does not fill the database, nor does a long output."""
    long = Task("own", "0 0 * * *", ("sh", "-c", "yes | head -c 300000; echo the end"), 30)
    for _ in range(4):
        assert asyncio.run(run_once(database, long, state=tmp_path, keep_runs=2))[0] == "done"
    with connect(database) as connection:
        found = runs(connection, "own", 10)
    assert len(found) == 2
    assert all(len(run.output) <= 32 * 1024 and run.output.endswith("the end\n") for run in found)


def test_a_lost_run_is_told_as_lost(database: str, tmp_path: Path) -> None:
    """What is noted as running without a runner is settled."""
    task = Task("own", "0 0 * * *", ("true",), 30)
    asyncio.run(run_once(database, task, state=tmp_path, keep_runs=5))
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE pack2_tuning.schedule_runs SET outcome = 'running'")
    settle(database, (task,), state=tmp_path)
    with connect(database) as connection:
        assert [run.outcome for run in runs(connection, "own", 10)] == ["lost"]
