"""Starts, recognises and stops server processes; each in its own session, so that Ctrl-C reaches us first."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from pack2.services.account import Account

_PR_SET_PDEATHSIG = 1
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

Steps = Sequence[tuple[signal.Signals, float]]
"""How to stop a process: signals, each with the seconds to wait for its effect."""


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


def find(pid: int | None, names: Collection[str], mark: Path) -> psutil.Process | None:
    """The living process that is one of `names` and has `mark` among its arguments.

    `pid` is where it should be. Where it is not, all processes are searched: a server whose owner was killed
    before the process number was written must be found too.
    """
    if pid is not None and psutil.pid_exists(pid) and (found := _recognise(pid, names, mark)):
        return found
    for process in psutil.process_iter(["name"]):
        if process.info["name"] in names and (found := _recognise(process.pid, names, mark)):
            return found
    return None


def stop(processes: Iterable[tuple[psutil.Process, Steps]]) -> None:
    """Stop all of them at once, each by its own steps; who survives those gets SIGKILL."""
    pending = [(process, [*steps, (signal.SIGKILL, 2.0)]) for process, steps in processes]
    while pending:
        for process, steps in pending:
            _send(process, steps[0][0])
        wait_seconds = max(steps[0][1] for _, steps in pending)
        _, alive = psutil.wait_procs([process for process, _ in pending], timeout=wait_seconds)
        pending = [(process, steps[1:]) for process, steps in pending if process in alive and steps[1:]]


def pin(pid: int, cpus: Iterable[int]) -> None:
    """Bind `pid` and its children to `cpus`; a no-op where the system has no processor affinity."""
    if not hasattr(os, "sched_setaffinity"):
        return
    for thread in _threads(pid):
        try:
            os.sched_setaffinity(thread, cpus)
        except ProcessLookupError:
            continue


def ends_with_parent() -> None:
    """For `preexec_fn`: SIGTERM when the parent dies, even of SIGKILL (Linux only, prctl(2))."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C a second time does not break the stopping of servers off half-way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _recognise(pid: int, names: Collection[str], mark: Path) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        if process.name() in names and str(mark) in process.cmdline():
            return process if process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None
    return None


def _threads(pid: int) -> list[int]:
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return [thread.id for member in family for thread in member.threads()]
    except psutil.Error:
        return [pid]


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
