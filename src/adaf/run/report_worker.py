"""The report worker that runs beside the web server, and ends with it however the server ends."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from adaf.reports.worker import run
from adaf.settings import Settings

STOP_SECONDS = 4.0


@contextmanager
def report_worker(database_url: str) -> Iterator[int]:
    """A worker process; yields its id. At the end a running report gets 1.5 s, and is queued again."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_work, args=(database_url,), name="adaf worker", daemon=True)
    process.start()
    try:
        yield process.pid or 0
    finally:
        process.terminate()
        process.join(STOP_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()


def _work(database_url: str) -> None:
    """Ctrl-C reaches this process as well as its parent: either ends it, and so does the parent's death."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: os._exit(0))  # until the worker has its own
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    asyncio.run(run(Settings(database_url=database_url, pool_connections=2)))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
