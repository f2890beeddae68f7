"""A check's outcome on the terminal, at most 100 columns wide."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from pack2.regression.check import Check
from pack2.regression.compare import Finding

_WIDTH = 100
_STYLES = {"pass": "green", "fail": "red", "invalid": "yellow"}
_MOST_ROUTES = 12


def show(found: Check, console: Console | None = None) -> None:
    """Print what changed, counts first, and the verdict with its reasons."""
    screen = console or Console(width=min(_WIDTH, Console().width))
    if found.counts:
        table = Table("route", "count", "baseline", "now", "", box=None, padding=(0, 1), header_style="bold")
        for count in found.counts:
            name = count.count.replace("_", " ")
            table.add_row(count.route, name, f"{count.baseline:,}", f"{count.now:,}", count.outcome)
        screen.print(table)
        screen.print()
    table = Table("compared", "baseline", "now", "change", "interval", "", box=None, padding=(0, 1))
    for one in _shown(found.findings):
        low, high = one.interval
        table.add_row(
            one.subject if one.rule.startswith("response") else f"{one.rule}, {one.subject}",
            f"{one.baseline:.4g} {one.unit}",
            f"{one.now:.4g} {one.unit}",
            f"{one.change_percent:+.1f} %",
            f"{low:+.0f} … {high:+.0f}",
            one.outcome,
        )
    screen.print(table)
    screen.print(
        f"\nregression check: {found.verdict}, {found.runs} runs against those of {found.baseline_started}",
        style=_STYLES[found.verdict],
        highlight=False,
    )
    for reason in (*found.invalid_reasons, *found.fail_reasons, *found.notes):
        screen.print(f"  {reason}", highlight=False)


def _shown(findings: tuple[Finding, ...]) -> list[Finding]:
    """All that are not fine, every total, and the routes that changed most."""
    routes = [one for one in findings if " /" in one.subject and one.outcome == "fine"]
    most = sorted(routes, key=lambda one: -abs(one.change_percent))[:_MOST_ROUTES]
    return [one for one in findings if one not in routes or one in most]
