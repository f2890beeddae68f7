"""`adaf reports`: upkeep of what the worker made."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number

from adaf.reports.clean_up import clean_up
from adaf.run.served import require_loaded
from pack2.services import services

app = App(name="reports", help="Upkeep of reports.\n\nExample: `adaf reports clean --days 30`")


@app.command
def clean(
    *, days: Annotated[int, Parameter(validator=Number(gte=1, lte=36500))] = 30, json: bool = False
) -> None:
    """Delete files of reports that are older than some days, and end what waits without a job.

    Example: `adaf reports clean --days 30`

    Parameters
    ----------
    days
        How long a file is kept.
    json
        Print what was done as JSON.
    """
    with services() as found:
        require_loaded(found.postgres)
        done = asyncio.run(clean_up(found.postgres.url(), days))
    if json:
        print(msgspec.json.encode(done).decode())
    else:
        print(f"{done.files} files deleted, {done.ended} abandoned reports ended")
