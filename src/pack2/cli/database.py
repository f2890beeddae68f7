"""What the database commands share: which database, progress on stderr, sizes in words."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from pack2.database.connection import Progress as OnProgress
from pack2.services import services

DatabaseUrl = Annotated[str | None, Parameter(env_var="DATABASE_URL")]
Json = Annotated[bool, Parameter(negative=())]


@contextmanager
def database(url: str | None) -> Iterator[str]:
    """`url`, or that of the embedded server in this folder, which runs meanwhile."""
    if url:
        yield url
        return
    with services(database_url=None) as found:
        yield found.postgres.url()


@contextmanager
def progress() -> Iterator[OnProgress]:
    """A bar on stderr; plain lines where it is no terminal, one a step."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, done_ratio: bar.update(task, description=what[:60], completed=done_ratio)


def _lines() -> OnProgress:
    last = ""

    def show(what: str, done_ratio: float) -> None:
        nonlocal last
        if what != last:
            print(f"{done_ratio:4.0%} {what}", file=sys.stderr)
        last = what

    return show


def size(size_bytes: float) -> str:
    """A size for people: 8 kB, 12.3 MB."""
    for unit in ("B", "kB", "MB"):
        if abs(size_bytes) < 1000:
            return f"{size_bytes:.0f} {unit}" if unit != "MB" else f"{size_bytes:.1f} MB"
        size_bytes /= 1000
    return f"{size_bytes:.2f} GB"


def milliseconds(value: float) -> str:
    """A time with three figures."""
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"
