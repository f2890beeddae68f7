"""`pack2 recommend`: what would help, with its evidence and its command."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from pack2.cli.database import Json
from pack2.config import load_config
from pack2.services import services
from pack2.tuning import Recommendation, recommend


def recommend_command(
    *,
    config: Annotated[Path, Parameter(env_var="PACK2_CONFIG")] = Path("pack2.toml"),
    json: Json = False,
) -> int:
    """List what would help: indexes, queries, cache policies, server settings, upkeep; the dearest first.

    Reads statistics only and changes nothing. Uses DATABASE_URL and REDIS_URL, embedded servers where they
    are not set. Exit code 1: there is something to do.

    Example: `pack2 recommend --json`

    Parameters
    ----------
    config
        The configuration, for its cache policies.
    json
        Print JSON.
    """
    settings = load_config(config)
    with services() as found:
        recommendations = recommend(settings, database_url=found.postgres.url(), redis_url=found.redis.url)
    if json:
        print(msgspec.json.encode(recommendations).decode())
    else:
        _print(recommendations)
    return int(bool(recommendations))


def _print(recommendations: tuple[Recommendation, ...]) -> None:
    if not recommendations:
        print("Nothing to recommend: what is measured is within its bounds.")
        return
    console = Console(width=100)
    for area, of_area in groupby(recommendations, key=lambda one: one.area):
        table = Table("what", "evidence", "command", title=area, title_justify="left", width=100)
        for one in of_area:
            table.add_row(f"{one.subject}: {one.advice}", one.evidence, one.command)
        console.print(table)
