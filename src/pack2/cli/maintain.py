"""`pack2 maintain`: statistics, dead rows, bloat, leftovers."""

from __future__ import annotations

from collections import Counter

import msgspec
from rich.console import Console
from rich.table import Table

from pack2.cli.database import DatabaseUrl, Json, database, progress, size
from pack2.database.maintenance import Task
from pack2.database.maintenance import maintain as run_maintenance


def maintain_command(*, database_url: DatabaseUrl = None, dry_run: bool = False, json: Json = False) -> int:
    """Find what the database's upkeep needs and do it; writers are never locked out.

    Renews statistics, vacuums, rebuilds bloated indexes CONCURRENTLY, removes what stopped builds left, and
    creates the SQL function maintenance_db_performance(). Exit code 1: something failed, or, with
    --dry-run, something is to be done.

    Example: `pack2 maintain --dry-run`

    Parameters
    ----------
    database_url
        The database; the embedded one where neither this nor DATABASE_URL is given.
    dry_run
        Only say what would be done.
    json
        Print JSON.
    """
    with database(database_url) as url, progress() as on_progress:
        tasks = run_maintenance(url, dry_run=dry_run, on_progress=on_progress)
    if json:
        print(msgspec.json.encode(tasks).decode())
    else:
        _print(tasks)
    return int(any(task.state != "done" for task in tasks))


def _print(tasks: tuple[Task, ...]) -> None:
    if not tasks:
        print("Nothing to do: statistics are fresh, no dead rows, no bloat, no leftovers.")
        return
    table = Table("what", "object", "evidence", "state", width=100)
    for task in tasks:
        freed = f", {size(task.freed_bytes)} freed" if task.freed_bytes else ""
        state = task.error or f"{task.state}{freed}"
        table.add_row(task.finding.kind, task.finding.object, task.finding.evidence, state)
    Console().print(table)
    states = Counter(task.state for task in tasks)
    print(", ".join(f"{count} {state}" for state, count in states.items()))
