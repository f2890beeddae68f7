"""Says on stderr how far the proof is: a bar on a terminal, one plain line a step elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from pack2.proof.plan import Profile


class Progress:
    """Progress in planned seconds of measurement; a capacity search may take fewer steps than planned."""

    def __init__(self, profile: Profile, *, pages: int, quiet: bool) -> None:
        self._console = Console(stderr=True)
        self._bar: Bar | None = None
        self._quiet = quiet
        self._total = planned_seconds(profile, pages)
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        if not self._quiet and self._console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            self._bar = Bar(*columns, console=self._console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task("", total=self._total)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, what: str) -> None:
        """The next part of the proof begins."""
        if self._bar is not None:
            self._bar.update(self._task, description=what)
        elif not self._quiet:
            print(f"{time.monotonic() - self._started:6.1f} s  {what}", file=sys.stderr, flush=True)

    def told(self, what: str, seconds: float) -> None:
        """A slice of `seconds` is done."""
        if self._bar is not None:
            self._bar.update(self._task, description=what, advance=seconds)


def planned_seconds(profile: Profile, pages: int) -> float:
    """Seconds of load and page loads in `profile`, with an average capacity search."""
    search = 2 * (5 * profile.step_seconds + profile.confirm_seconds)
    slices = 2 * (profile.pairs + 2) * profile.slice_seconds + 2 * profile.warm_up_seconds
    return (
        search + slices + profile.load_warm_up_seconds + profile.load_seconds + 2 * pages * profile.page_loads
    )
