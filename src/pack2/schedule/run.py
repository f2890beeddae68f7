"""One run of a task as a child process: one at a time, within its time, its output kept, none left behind.

Two locks: an advisory lock in the database for runners on several machines, and a lock on a file that the
child inherits, so that a task whose runner was killed counts as running until all that it started has ended.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from pack2.database.connection import Connection, connect, exclusive
from pack2.database.errors import BusyError
from pack2.schedule import records
from pack2.schedule.errors import ProgramMissingError
from pack2.schedule.records import Outcome, Run
from pack2.schedule.tasks import Task
from pack2.services.processes import ends_with_parent

OUTPUT_BYTES: Final = 32 * 1024
GRACE_SECONDS: Final = 3.0
BUSY_EXIT: Final = 75  # sysexits.h: temporary failure
MISSING_EXIT: Final = 127  # as a shell says it


Echo = Callable[[bytes], None]


async def run_once(
    url: str,
    task: Task,
    *,
    state: Path,
    keep_runs: int,
    due_at: datetime | None = None,
    echo: Echo = lambda _: None,
) -> tuple[Outcome | None, int]:
    """Run `task` now; (outcome, exit code), or (None, BUSY_EXIT) where it runs already.

    What ended for `due_at` before is not run again. `echo` is given what the task prints, as it comes. A
    cancelled run stops its child and is recorded as stopped; a program that is not there, as failed.
    """
    with connect(url) as connection, _alone(connection, task, state) as lock:
        if lock is None:
            return None, BUSY_EXIT
        run_id = records.begin(connection, task.name, due_at)
        if isinstance(run_id, Run):
            return run_id.outcome, _exit_code(run_id.exit_code)
        output = bytearray()
        outcome: Outcome = "stopped"
        code: int | None = None
        try:
            outcome, code = await _child(task, lock, output, echo)
        finally:
            text = bytes(output).decode(errors="replace")
            with connect(url) as later:  # the first connection may have been lost meanwhile
                records.end(later, run_id, outcome, code, text, keep_runs=keep_runs)
    return outcome, _exit_code(code)


def settle(url: str, tasks: tuple[Task, ...], *, state: Path) -> None:
    """Record as lost what is noted as running although neither its runner nor its child is there."""
    with connect(url) as connection:
        for task in tasks:
            newest = records.runs(connection, task.name)
            if newest and newest[0].outcome == "running":
                with _alone(connection, task, state) as lock:
                    if lock is not None:
                        records.lose(connection, task.name)


def _exit_code(code: int | None) -> int:
    return code if code is not None and code >= 0 else 1


async def _child(task: Task, lock: int, output: bytearray, echo: Echo) -> tuple[Outcome, int | None]:
    try:
        argv = task.argv()
    except ProgramMissingError as error:
        output += f"{error}\n".encode()
        echo(bytes(output))
        return "failed", MISSING_EXIT
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=ends_with_parent,
        pass_fds=(lock,),
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(task.timeout_seconds):
            while chunk := await process.stdout.read(8192):
                output += chunk
                echo(chunk)
                del output[:-OUTPUT_BYTES]
            code = await process.wait()
    except TimeoutError:
        return "timeout", None
    finally:
        await _stop(process)
    return ("done" if code == 0 else "failed"), code


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End the child with all that it started: asked first, then killed."""
    if process.returncode is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), GRACE_SECONDS)
            return


@contextmanager
def _alone(connection: Connection, task: Task, state: Path) -> Iterator[int | None]:
    """The lock's file descriptor, None where somebody else holds one of the two."""
    descriptor = os.open(state / f"schedule-{task.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    with ExitStack() as stack:
        stack.callback(os.close, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            stack.enter_context(exclusive(connection, f"schedule {task.name}", wait_seconds=0))
        except (BlockingIOError, BusyError):
            yield None
            return
        yield descriptor
