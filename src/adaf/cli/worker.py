"""`adaf worker`: the process that makes reports."""

from __future__ import annotations

import asyncio

import msgspec

from adaf.reports.worker import run as run_worker
from adaf.run.served import require_loaded
from adaf.settings import from_environment
from pack2.services import services


def run() -> None:
    """Make the reports that are asked for, until Ctrl-C or SIGTERM; any number of workers may run.

    `adaf serve` and `adaf run` start one along. A report whose worker is killed is made by another.

    Example: `adaf worker`
    """
    with services() as found:
        require_loaded(found.postgres)
        settings = msgspec.structs.replace(
            from_environment({"DATABASE_URL": found.postgres.url()}), pool_connections=2
        )
        asyncio.run(run_worker(settings, on_ready=lambda: print("making reports", flush=True)))
