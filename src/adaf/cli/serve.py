"""`adaf serve`: the dashboard over a loaded database."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from adaf.run.served import require_loaded
from adaf.run.server import serve
from pack2.services import services


def run(
    *,
    port: Annotated[int, Parameter(validator=Number(gte=1, lte=65535))] = 8000,
    workers: Annotated[int | None, Parameter(validator=Number(gte=1, lte=256))] = None,
) -> None:
    """Serve the dashboard on 127.0.0.1 until Ctrl-C.

    The database is DATABASE_URL, else the embedded one, which `adaf load` fills. PACK2=off serves it without
    the performance pack.

    Example: `adaf serve --port 8080`

    Parameters
    ----------
    port
        The port to listen on.
    workers
        Worker processes; one a core unless told otherwise.
    """
    with services() as found:
        require_loaded(found.postgres)
        serve(
            port,
            database_url=found.postgres.url(),
            redis_url=found.redis.url,
            cache_key=found.state.secret_key("cache"),
            metrics_token=found.state.secret("metrics"),
            workers=workers,
            on_ready=lambda url: print(f"serving {url}", flush=True),
        )
