"""Starts, recognises and stops server processes; each gets a session of its own, so that Ctrl-C reaches us first."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil

from pack2.services.account import Account


def spawn(
    command: Sequence[str | Path], *, account: Account, log: Path, cwd: Path
) -> subprocess.Popen[bytes]:
    """Start `command` as `account`, detached from our terminal, with its output appended to `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            start_new_session=True,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
            **account.popen_arguments(),
        )


def find(pid: int, program: str, mark: Path) -> psutil.Process | None:
    """The living process `pid` if it is `program` and names `mark` in its arguments or works in it."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            if process.status() == psutil.STATUS_ZOMBIE or program not in process.name():
                return None
            if str(mark) in process.cmdline() or process.cwd() == str(mark):
                return process
    except psutil.Error:
        return None
    return None


def stop(processes: Iterable[tuple[psutil.Process, Sequence[tuple[signal.Signals, float]]]]) -> None:
    """Stop all of them at once. Each has steps (signal, seconds to wait for its end); the last step is SIGKILL."""
    pending = [(process, list(steps)) for process, steps in processes]
    while pending:
        for process, steps in pending:
            _send(process, steps[0][0] if steps else signal.SIGKILL)
        wait_seconds = max((steps[0][1] if steps else 1.0) for _, steps in pending)
        _, alive = psutil.wait_procs([process for process, _ in pending], timeout=wait_seconds)
        pending = [(process, steps[1:]) for process, steps in pending if process in alive]


def pin(pid: int, cpus: Iterable[int]) -> None:
    """Bind `pid` and its children to `cpus`; a no-op where the system has no processor affinity."""
    if not hasattr(os, "sched_setaffinity"):
        return
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return
    for member in family:
        for thread in [member.pid, *(thread.id for thread in member.threads())]:
            try:
                os.sched_setaffinity(thread, cpus)
            except ProcessLookupError:
                continue


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
