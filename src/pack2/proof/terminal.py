"""The table on the terminal, at most 100 columns wide."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from pack2.proof.model import Proof
from pack2.proof.wording import HEADER, rows, verdict

WIDTH = 100
_STYLES = {"pass": "green", "fail": "red", "invalid": "yellow"}


def show(proof: Proof, console: Console | None = None) -> None:
    """Print the before/after table and the verdict with its reasons."""
    screen = console or Console(width=min(WIDTH, Console().width))
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for number, title in enumerate(HEADER):
        table.add_column(title, justify="left" if number in (0, 6) else "right", no_wrap=number != 0)
    for line in rows(proof):
        table.add_row(*line)
    screen.print(table)
    first, *reasons = verdict(proof)
    screen.print(f"\n{first}", style=_STYLES[proof.verdict], highlight=False)
    for reason in reasons:
        screen.print(reason, highlight=False)
