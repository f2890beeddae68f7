"""`adaf run`: everything with one command."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from adaf.run.orchestrate import run


def run_command(
    *,
    serve_only: Annotated[bool, Parameter(negative=())] = False,
    once: Annotated[bool, Parameter(negative=())] = False,
    port: Annotated[int, Parameter(validator=Number(gte=1, lte=65535))] = 8000,
    size: Literal["tiny", "small", "medium", "large"] = "small",
) -> int:
    """Start the servers, load, measure untuned and tuned, tune, and serve until Ctrl-C.

    Exit code with --once: 0 pass, 1 fail, 2 invalid. State is kept in `.pack2`: the second time is faster.

    Example: `adaf run --serve-only --port 8080`

    Parameters
    ----------
    serve_only
        Leave the measurement out.
    once
        Leave after the table.
    port
        The port of the dashboard on 127.0.0.1.
    size
        How much sample data.
    """
    return run(port=port, size=size, measure=once or not serve_only, leave=once)
