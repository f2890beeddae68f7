"""Tells what `adaf run` is doing: one line a stage with its duration, a bar for what takes longer."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

_NAME_WIDTH = 58
_PLAIN_EVERY_SECONDS = 10.0


@contextmanager
def stage(name: str) -> Iterator[Callable[[str, float], None]]:
    """Print `name` and the seconds that the block took; it may report (step, share done 0…1) meanwhile."""
    started = time.monotonic()
    terminal = sys.stderr.isatty()
    with _bar(name) if terminal else _plain(name) as report:
        yield report
    print(f"{name:<{_NAME_WIDTH}} {time.monotonic() - started:6.1f} s", flush=True)


@contextmanager
def ticker(name: str) -> Iterator[Callable[[str], None]]:
    """One line that tells how far an endless block is; without a terminal, a line every ten seconds."""
    if sys.stderr.isatty():
        with Console(stderr=True).status(name) as status:
            yield lambda text: status.update(f"{name}: {text}")
        return
    told = time.monotonic()

    def report(text: str) -> None:
        nonlocal told
        if time.monotonic() - told >= _PLAIN_EVERY_SECONDS:
            told = time.monotonic()
            print(f"{name}: {text}", file=sys.stderr, flush=True)

    yield report


@contextmanager
def _bar(name: str) -> Iterator[Callable[[str, float], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[step]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=None, step="")

        def report(step: str, done_ratio: float) -> None:
            progress.update(task, total=1.0, completed=done_ratio, step=step)

        yield report


@contextmanager
def _plain(name: str) -> Iterator[Callable[[str, float], None]]:
    """Where there is no terminal: a line every ten seconds."""
    told = time.monotonic()

    def report(step: str, done_ratio: float) -> None:
        nonlocal told
        if time.monotonic() - told >= _PLAIN_EVERY_SECONDS:
            told = time.monotonic()
            print(f"{name}: {step} {done_ratio:.0%}", file=sys.stderr, flush=True)

    yield report
