"""`pack2 feed`: the triggers that tell the caches of every process what changed."""

from __future__ import annotations

from pathlib import Path

import msgspec
from cyclopts import App
from rich.console import Console
from rich.table import Table

from pack2.cache import feed_schema
from pack2.cache.feed_schema import TriggerState
from pack2.cli.database import DatabaseUrl, Json, database
from pack2.config import load_config

app = App(
    name="feed", help="Apply, take back or list the change feed's triggers.\n\nExample: `pack2 feed status`"
)


@app.command
def apply(*, database_url: DatabaseUrl = None, config: Path = Path("pack2.toml"), json: Json = False) -> int:
    """Bring about the triggers of `[[cache.feed]]`; those of tables no longer listed go.

    Example: `pack2 feed apply --database-url postgresql://me@localhost/shop`

    Parameters
    ----------
    database_url
        The database, whose tables the role must own; the embedded one where neither this nor DATABASE_URL
        is given.
    config
        The file with `[[cache.feed]]`.
    json
        Print JSON.
    """
    feeds = load_config(config).cache.feed
    with database(database_url) as url:
        return _show(feed_schema.apply(url, feeds), json)


@app.command
def rollback(*, database_url: DatabaseUrl = None, json: Json = False) -> int:
    """Remove every trigger and function of the change feed.

    Example: `pack2 feed rollback --database-url postgresql://me@localhost/shop`

    Parameters
    ----------
    database_url
        The database; the embedded one where neither this nor DATABASE_URL is given.
    json
        Print JSON.
    """
    with database(database_url) as url:
        removed = feed_schema.rollback(url)
    print(msgspec.json.encode({"removed": removed}).decode() if json else f"{removed} triggers removed")
    return 0


@app.command
def status(*, database_url: DatabaseUrl = None, config: Path = Path("pack2.toml"), json: Json = False) -> int:
    """List the triggers; exit 1 where one is missing, changed, disabled or left over.

    Example: `pack2 feed status --database-url postgresql://me@localhost/shop --json`

    Parameters
    ----------
    database_url
        The database; the embedded one where neither this nor DATABASE_URL is given.
    config
        The file with `[[cache.feed]]`.
    json
        Print JSON.
    """
    feeds = load_config(config).cache.feed
    with database(database_url) as url:
        return _show(feed_schema.status(url, feeds), json)


def _show(states: list[TriggerState], json: bool) -> int:
    if json:
        print(msgspec.json.encode(states).decode())
    else:
        table = Table("table", "event", "state")
        for state in states:
            table.add_row(state.table, state.event, state.state)
        Console().print(table)
    return 0 if all(state.state == "applied" for state in states) else 1
