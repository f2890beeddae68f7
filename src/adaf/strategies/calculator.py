"""Strategy calculations in a process of their own: the event loop and its interpreter lock stay free.

The queue is bounded: a burst of runs is refused at once instead of making everybody wait.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from adaf.problem import Unavailable

P = ParamSpec("P")
R = TypeVar("R")

MAX_PENDING = 8
TIMEOUT_SECONDS = 30
START_SECONDS = 3
"""After the server: whoever waits for its first answers comes before."""


class Calculator:
    """One child process, started after the server or by a calculation; at most `max_pending` at a time."""

    def __init__(self, max_pending: int = MAX_PENDING, *, start_seconds: float = START_SECONDS) -> None:
        self._max_pending = max_pending
        self._start_seconds = start_seconds
        self._pending = 0
        self._pool: ProcessPoolExecutor | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Have the process ready before it is asked for: its libraries take seconds to import."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._start_seconds, lambda: self._process().submit(_import))

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What `function` returns or raises; Unavailable when the queue is full or the process was lost."""
        if self._pending >= self._max_pending:
            raise Unavailable("All calculators are busy; try again in two seconds.", retry_after_seconds=2)
        try:
            future = self._submit(function, *args, **kwargs)
            return await asyncio.wait_for(asyncio.wrap_future(future), TIMEOUT_SECONDS)
        except TimeoutError:
            raise Unavailable("The calculation took too long; try again.", retry_after_seconds=10) from None
        except BrokenProcessPool:
            self.stop()
            raise Unavailable("The calculator was lost; try again.") from None

    @property
    def pending(self) -> int:
        """Calculations that run or wait."""
        return self._pending

    def stop(self) -> None:
        """Let the process go; what waits is cancelled. A later `run` starts a new one."""
        if self._timer is not None:
            self._timer.cancel()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _submit(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        loop = asyncio.get_running_loop()
        future = self._process().submit(function, *args, **kwargs)
        self._pending += 1
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._done))
        return future

    def _process(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_follow_parent)
        return self._pool

    def _done(self) -> None:
        self._pending -= 1


def _import() -> None:
    import empyrical  # noqa: F401  it stays imported


def _follow_parent() -> None:
    """Leave Ctrl-C to the parent, and leave with it even when it is killed: no pipe would tell."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
