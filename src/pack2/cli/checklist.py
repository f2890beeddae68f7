"""`pack2 checklist`: the guide's lists after a deployment, as live checks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Console

from pack2.cli.database import Json
from pack2.cli.deploy import ConfigPath, line, target
from pack2.deploy.checklist import Span, check
from pack2.deploy.checklist.model import RATE, SECONDS, Deployed
from pack2.deploy.model import Outcome

_STYLES = {"done": "green", "skipped": "yellow", "failed": "red"}
_WIDTH = 100


def checklist_command(
    span: Span,
    /,
    *,
    url: str | None = None,
    rate: Annotated[float, Parameter(validator=Number(gt=0))] = RATE,
    seconds: Annotated[float, Parameter(validator=Number(gte=3))] = SECONDS,
    baseline: str = "small",
    json: Json = False,
    config: ConfigPath = Path("pack2.toml"),
) -> int:
    """Ask what the guide's checklist asks after a deployment; a line is done only where it was measured.

    Uses DATABASE_URL, REDIS_URL (embedded servers where they are not set), GRAFANA_URL, GRAFANA_TOKEN,
    PROMETHEUS_URL and PACK2_METRICS_TOKEN. Exit code 1: a line failed, and says what to do.

    Example: `pack2 checklist immediate --url http://127.0.0.1:8000`

    Parameters
    ----------
    span
        immediate (0-2 hours): it is there and answers. short (2-24 hours): it pays. long (1-7 days): it
        stays so.
    url
        Where the deployed application answers; url of [application] unless told otherwise.
    rate
        Requests a second of the load test, by test accounts.
    seconds
        How long it loads, at most once.
    baseline
        The accepted baseline in perf/baselines that later runs are compared with.
    json
        Print JSON.
    config
        The configuration; its folder is where everything is read.
    """
    with target(config, url, is_quiet=json, is_deployed=True) as found:
        deployed = Deployed(found, rate, seconds, baseline)
        result = check(deployed, span, on_line=_nothing if json else _print)
    if json:
        print(msgspec.json.encode(result).decode())
    else:
        counts = ", ".join(f"{result.count(state)} {state}" for state in _STYLES)
        print(f"\n{span}: {counts}")
    return result.exit_code


def _print(name: str, outcome: Outcome) -> None:
    Console(width=_WIDTH).print(line(name, outcome.state, _STYLES[outcome.state], outcome.text))


def _nothing(_name: str, _outcome: Outcome) -> None:
    """Nothing is printed while the lines are asked."""
