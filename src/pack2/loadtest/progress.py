"""Says on stderr how far a load test is: a bar on a terminal, a plain line a step elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class LoadProgress:
    """Progress in seconds of load; `seconds` is what the test will take, at most."""

    def __init__(self, seconds: float, *, quiet: bool) -> None:
        self._console = Console(stderr=True)
        self._quiet = quiet
        self._seconds = seconds
        self._bar: Progress | None = None
        self._from: float | None = None
        self._done = 0.0
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        if not self._quiet and self._console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task("", total=self._seconds)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, what: str) -> None:
        """What is being done now, before any load."""
        if self._bar is not None:
            self._bar.update(self._task, description=what)
        elif not self._quiet:
            print(f"{time.monotonic() - self._started:6.1f} s  {what}", file=sys.stderr, flush=True)

    def load(self, what: str) -> None:
        """A run begins."""
        self.step(what)
        self._from = time.monotonic()

    def tick(self) -> None:
        """Some more of the run's seconds have passed."""
        if self._bar is not None and self._from is not None:
            self._bar.update(self._task, completed=self._done + time.monotonic() - self._from)

    def loaded(self, seconds: float) -> None:
        """The run is over; it counts for as long as was planned."""
        self._done += seconds
        self._from = None
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done)
