"""`pack2 rollup`: aggregating views as maintained tables, verified, and plain views again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from cyclopts import App
from rich.console import Console
from rich.table import Table

from pack2.cli.database import DatabaseUrl, Json, database, progress
from pack2.config import load_config
from pack2.database import rollups
from pack2.database.rollup_verify import RollupVerification
from pack2.database.rollup_verify import verify as verify_rollups

app = App(
    name="rollup",
    help="Turn aggregating views into maintained tables, and back.\n\nExample: `pack2 rollup verify`",
)


@app.command
def apply(
    *views: str, database_url: DatabaseUrl = None, config: Path = Path("pack2.toml"), json: Json = False
) -> int:
    """Turn each view into a table of the same name that triggers maintain; repeatable after any end.

    Example: `pack2 rollup apply candles_1h`

    Parameters
    ----------
    views
        The views; the rollups of the configuration where none is named.
    database_url
        The database; the embedded one where neither this nor DATABASE_URL is given.
    config
        The configuration.
    json
        Print JSON.
    """
    names = views or tuple(rollup.view for rollup in load_config(config).rollups)
    with database(database_url) as url, progress() as on_progress:
        return _show(rollups.apply(url, names, on_progress=on_progress), json)


@app.command
def rollback(*views: str, database_url: DatabaseUrl = None, json: Json = False) -> int:
    """Give the plain views back.

    Example: `pack2 rollup rollback candles_1h`

    Parameters
    ----------
    views
        The rollups; all where none is named.
    database_url
        The database; the embedded one where neither this nor DATABASE_URL is given.
    json
        Print JSON.
    """
    with database(database_url) as url, progress() as on_progress:
        return _show(rollups.rollback(url, views, on_progress=on_progress), json)


def _show(done: Sequence[rollups.AppliedRollup], json: bool) -> int:
    if json:
        print(msgspec.json.encode(done).decode())
        return 0
    table = Table("rollup", "outcome", "rows", "seconds")
    for one in done:
        table.add_row(one.view, one.outcome, str(one.rows), f"{one.seconds:.2f}")
    Console().print(table)
    return 0


@app.command
def verify(*views: str, database_url: DatabaseUrl = None, json: Json = False) -> int:
    """Compare each row of a rollup with its view; time ingestion on a copy; exit 1 on a difference.

    Example: `pack2 rollup verify --json`

    Parameters
    ----------
    views
        The rollups; all where none is named.
    database_url
        The database; the embedded one where neither this nor DATABASE_URL is given.
    json
        Print JSON.
    """
    with database(database_url) as url, progress() as on_progress:
        found = verify_rollups(url, views, on_progress=on_progress)
    if json:
        print(msgspec.json.encode(found).decode())
    else:
        _show_verification(found)
    return 0 if found.is_right else 1


def _show_verification(found: RollupVerification) -> None:
    table = Table("rollup", "rows", "different", "example or partitions without triggers", width=100)
    for one in found.rollups:
        notes = [one.example or "", *one.uncovered_partitions]
        table.add_row(one.view, str(one.rows), str(one.different), ", ".join(filter(None, notes)))
    Console().print(table)
    for cost in found.costs:
        print(
            f"Inserting {cost.rows} rows into {cost.source}:"
            f" {cost.milliseconds_without:.1f} ms without rollups,"
            f" {cost.milliseconds_with:.1f} ms with: ×{cost.ratio:.1f}"
            f" (95 % {cost.ratio_low:.1f} … {cost.ratio_high:.1f})"
        )
    if found.costs_unmeasured:
        print(f"Ingestion's cost was not measured. {found.costs_unmeasured}")
