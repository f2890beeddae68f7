"""`pack2 slow`: the statements that cost most."""

from __future__ import annotations

import msgspec
from rich.console import Console
from rich.table import Table

from pack2.cli.database import DatabaseUrl, Json, database, milliseconds
from pack2.database.slow import slow as slowest


def slow_command(*, database_url: DatabaseUrl = None, limit: int = 20, json: Json = False) -> int:
    """List the statements that cost most in all, from pg_stat_statements.

    Example: `pack2 slow --limit 10`

    Parameters
    ----------
    database_url
        The database; the embedded one where neither this nor DATABASE_URL is given.
    limit
        How many statements.
    json
        Print JSON.
    """
    with database(database_url) as url:
        statements = slowest(url, limit=limit)
    if json:
        print(msgspec.json.encode(statements).decode())
        return 0
    table = Table("statement", "share", "total ms", "mean ms", "calls", "rows", "hit", width=100)
    for column in table.columns[1:]:
        column.justify = "right"
        column.no_wrap = True
    for one in statements:
        table.add_row(
            one.name or one.text[:80],
            f"{one.share_ratio:.1%}",
            milliseconds(one.total_milliseconds),
            milliseconds(one.mean_milliseconds),
            str(one.calls),
            str(one.rows),
            "–" if one.buffers_hit_ratio is None else f"{one.buffers_hit_ratio:.1%}",
        )
    Console().print(table)
    return 0
