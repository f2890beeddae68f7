"""Hears that the server stops before it waits for its open answers: by the signal that the server hears too.

A server tells an application of its end (ASGI lifespan) only after the last answer, and a stream never ends
by itself.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def at_stop_signal(stop: Callable[[], None]) -> Callable[[], None]:
    """Call `stop` in the running loop at SIGTERM and SIGINT, before the handler that is there already.

    Returns what puts everything back. Without effect outside the main thread, which alone hears signals, and
    where nobody handles the signal.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    loop = asyncio.get_running_loop()
    undone = [_chain(number, lambda: loop.call_soon_threadsafe(stop)) for number in _SIGNALS]

    def undo() -> None:
        for each in undone:
            each()

    return undo


def _chain(number: signal.Signals, notify: Callable[[], object]) -> Callable[[], None]:
    before = signal.getsignal(number)
    if not callable(before):
        return lambda: None

    def handle(signum: int, frame: FrameType | None) -> None:
        notify()
        before(signum, frame)

    signal.signal(number, handle)

    def undo() -> None:
        if signal.getsignal(number) is handle:
            signal.signal(number, before)

    return undo
