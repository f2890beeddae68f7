"""`pack2 services`: the embedded servers in the foreground, for other programs and for a look inside."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import msgspec
from cyclopts import App

from pack2.services import services, stop_services

app = App(
    name="services",
    help="""Run the embedded PostgreSQL and Valkey in the foreground; print their URLs; stop them at Ctrl-C.

    Other commands of the same state folder use them meanwhile; whoever leaves last stops them.

    Example: `pack2 services`, then paste the line that it prints in another terminal.
    """,
)


@app.default
def run(*, state: Path = Path(".pack2"), json: bool = False) -> None:
    """Run the servers of a state folder until Ctrl-C.

    Parameters
    ----------
    state
        The folder that keeps data, passwords and logs.
    json
        Print the URLs as JSON.
    """
    with services(state, database_url=None, redis_url=None) as found:
        postgres = found.postgres
        if not postgres.exists(postgres.database):
            postgres.create_database(postgres.database)
        variables = {"DATABASE_URL": postgres.url(), "REDIS_URL": found.redis.url}
        exports = " ".join(f"{name}='{value}'" for name, value in variables.items())
        print(msgspec.json.encode(variables).decode() if json else f"export {exports}", flush=True)
        _wait_for_end()


@app.command
def stop(*, state: Path = Path(".pack2")) -> None:
    """Stop the servers that a killed command left behind; refused while another command uses them.

    Example: `pack2 services stop`

    Parameters
    ----------
    state
        The folder that keeps data, passwords and logs.
    """
    stop_services(state)


def _wait_for_end() -> None:
    """Return at Ctrl-C or SIGTERM."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
