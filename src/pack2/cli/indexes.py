"""`pack2 indexes`: apply, verify, take back and watch the declared performance indexes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from cyclopts import App
from rich.console import Console
from rich.table import Column, Table

from pack2.cli.database import DatabaseUrl, Json, database, milliseconds, progress, size
from pack2.config import load_config
from pack2.database import indexes
from pack2.database.index_rejection import reject
from pack2.database.index_usage import UsageReport
from pack2.database.index_usage import usage as read_usage
from pack2.database.index_verify import Verification
from pack2.database.index_verify import verify as verify_indexes
from pack2.database.queries import find_queries

app = App(
    name="indexes",
    help="Apply, verify, take back and watch the declared performance indexes.\n\n"
    "Example: `pack2 indexes apply`",
)

_CONFIG = Path("pack2.toml")


@app.command
def apply(
    *,
    database_url: DatabaseUrl = None,
    file: Path | None = None,
    config: Path = _CONFIG,
    lock_timeout_seconds: float = 5.0,
    json: Json = False,
) -> int:
    """Build what the file declares and the database lacks, CONCURRENTLY; repeatable after any end.

    Example: `pack2 indexes apply --database-url postgresql://me@localhost/shop`

    Parameters
    ----------
    database_url
        The database; the embedded one where neither this nor DATABASE_URL is given.
    file
        The file of indexes; that of the configuration where not given.
    config
        The configuration.
    lock_timeout_seconds
        How long one attempt waits for a lock.
    json
        Print JSON.
    """
    path = file or Path(load_config(config).indexes)
    with database(database_url) as url, progress() as on_progress:
        done = indexes.apply(url, path, lock_timeout_seconds=lock_timeout_seconds, on_progress=on_progress)
    return _show_applied(done, json)


@app.command
def rollback(*names: str, database_url: DatabaseUrl = None, json: Json = False) -> int:
    """Drop, CONCURRENTLY, what `apply` created: all of it, or the indexes named.

    Example: `pack2 indexes rollback idx_alerts_user_recent`

    Parameters
    ----------
    names
        The indexes; all that `apply` created where none is named.
    database_url
        The database; the embedded one where neither this nor DATABASE_URL is given.
    json
        Print JSON.
    """
    with database(database_url) as url, progress() as on_progress:
        done = indexes.rollback(url, names, on_progress=on_progress)
    return _show_applied(done, json)


def _show_applied(done: Sequence[indexes.AppliedIndex], json: bool) -> int:
    if json:
        print(msgspec.json.encode(done).decode())
        return 0
    table = Table("index", "table", "outcome", "size", "seconds", width=100)
    for one in done:
        table.add_row(one.name, one.table, one.outcome, size(one.size_bytes), f"{one.seconds:.2f}")
    Console().print(table)
    return 0


@app.command
def verify(
    *,
    database_url: DatabaseUrl = None,
    file: Path | None = None,
    config: Path = _CONFIG,
    budget_seconds: float = 1.0,
    write_rejected: bool = False,
    json: Json = False,
) -> int:
    """Measure each index with and without it, on a copy; exit 1 when one does not pay.

    Example: `pack2 indexes verify --write-rejected`

    Parameters
    ----------
    database_url
        The database to copy; the embedded one where neither this nor DATABASE_URL is given.
    file
        The file of indexes; that of the configuration where not given.
    config
        The configuration: its queries are the workload, its rollups are applied on the copy.
    budget_seconds
        Time for each query beyond the three rounds that each gets.
    write_rejected
        Take what does not pay out of the file and list it with its figures in rejected.md beside it.
    json
        Print JSON.
    """
    settings = load_config(config)
    path = file or Path(settings.indexes)
    with database(database_url) as url, progress() as on_progress:
        found = verify_indexes(
            url,
            path,
            find_queries(settings.application.queries if settings.application else ()),
            views=[rollup.view for rollup in settings.rollups],
            budget_seconds=budget_seconds,
            on_progress=on_progress,
        )
    if write_rejected:
        reject(path, found)
    if json:
        print(msgspec.json.encode(found).decode())
    else:
        _show_verification(found)
    return 1 if found.rejected and not write_rejected else 0


def _show_verification(found: Verification) -> None:
    table = Table("index", "size", "best query", "blocks", "ms", "saved ms (95 %)", "pays", width=100)
    for verdict in found.indexes:
        best = verdict.best
        table.add_row(
            verdict.name,
            size(verdict.size_bytes),
            best.query if best else "",
            f"{best.buffers_without} → {best.buffers_with}" if best else "",
            f"{milliseconds(best.milliseconds_without)} → {milliseconds(best.milliseconds_with)}"
            if best
            else "",
            f"{milliseconds(best.saved_low_milliseconds)} … {milliseconds(best.saved_high_milliseconds)}"
            if best
            else "",
            "yes" if verdict.pays else f"no: {verdict.reason}",
        )
    Console().print(table)
    queries = Table("query", "ms without", "ms with", "blocks without", "blocks with", width=100)
    for query in sorted(found.queries, key=lambda one: -one.milliseconds_with):
        queries.add_row(
            query.name + (" (slower)" if query.is_slower else ""),
            milliseconds(query.milliseconds_without),
            milliseconds(query.milliseconds_with),
            str(query.buffers_without),
            str(query.buffers_with),
        )
    Console().print(queries)
    print(f"{len(found.indexes) - len(found.rejected)} of {len(found.indexes)} indexes pay")


@app.command
def usage(*, database_url: DatabaseUrl = None, json: Json = False) -> int:
    """List all indexes, least used first; never used, invalid and redundant ones are flagged.

    Example: `pack2 indexes usage --json`

    Parameters
    ----------
    database_url
        The database; the embedded one where neither this nor DATABASE_URL is given.
    json
        Print JSON.
    """
    with database(database_url) as url:
        report = read_usage(url)
    if json:
        print(msgspec.json.encode(report).decode())
    else:
        _show_usage(report)
    return 0


def _show_usage(report: UsageReport) -> None:
    table = Table(Column("index", overflow="fold", width=30), Column("table", overflow="fold", width=18))
    for name in ("scans", "size", "last used"):
        table.add_column(name, no_wrap=True)
    table.add_column("flags", overflow="fold", max_width=13)
    for one in report.indexes:
        name = one.name.removeprefix("public.")
        last = one.last_used.strftime("%Y-%m-%d") if one.last_used else "–"
        table.add_row(name, one.table, str(one.scans), size(one.size_bytes), last, ", ".join(one.flags))
    Console().print(table)
    print(f"Counted since {report.since or 'the database was made'}, on this server alone.")
