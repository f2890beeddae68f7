"""A load test's outcome on the terminal, at most 100 columns wide."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from pack2.loadtest.result import LoadResult
from pack2.loadtest.wording import METRICS, figure, met

_WIDTH = 100
_STYLES = {"pass": "green", "fail": "red", "invalid": "yellow"}


def show(result: LoadResult, console: Console | None = None) -> None:
    """Print thresholds, figures, and the verdict with its reasons."""
    screen = console or Console(width=min(_WIDTH, Console().width))
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for title in ("threshold", "asked", "measured", "outcome", "samples"):
        table.add_column(title, justify="left" if title in ("threshold", "outcome") else "right")
    for row in result.thresholds:
        value = "–" if row.value is None else f"{row.value:,.1f} {row.unit}"
        asked = f"{'<' if row.is_upper else '>'} {row.limit:g} {row.unit}"
        table.add_row(row.name, asked, value, met(row), f"{row.samples:,}")
    screen.print(table)
    known = [(label, figure(name, result.metrics.get(name))) for name, label in METRICS]
    screen.print()
    for label, value in known:
        if value != "–":
            screen.print(f"  {label:<26} {value}", highlight=False)
    screen.print(f"\n{result.kind}: {result.verdict}", style=_STYLES[result.verdict], highlight=False)
    for reason in (*result.invalid_reasons, *result.fail_reasons, *result.notes):
        screen.print(f"  {reason}", highlight=False)
