"""`pack2 deploy` and `pack2 rollback`: Pack 2 into an application, and out of it."""

from __future__ import annotations

import contextlib
import os
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Console
from rich.text import Text

from pack2.cli.database import Json, progress
from pack2.config import load_config
from pack2.deploy import deploy, plan, rollback
from pack2.deploy.model import Outcome, Target, no_progress
from pack2.services import services

_STYLES = {"done": "green", "skipped": "yellow", "failed": "red", "planned": "cyan"}
_WIDTH = 100
ConfigPath = Annotated[Path, Parameter(env_var="PACK2_CONFIG")]
Flag = Annotated[bool, Parameter(negative=())]


def deploy_command(
    *,
    config: ConfigPath = Path("pack2.toml"),
    url: str | None = None,
    dry_run: Flag = False,
    baseline_seconds: Annotated[float | None, Parameter(validator=Number(gte=15))] = None,
    json: Json = False,
) -> int:
    """Put Pack 2 into the application of pack2.toml, in eight steps. Run it again after any end: it goes on.

    Uses DATABASE_URL, REDIS_URL, PROMETHEUS_URL, GRAFANA_URL and SLACK_WEBHOOK_URL; embedded servers where
    the first two are not set. Exit code 1: a step failed, and its line says what to do.

    Example: `pack2 deploy --dry-run`

    Parameters
    ----------
    config
        The configuration; its folder is where everything is read and written.
    url
        The running application; without it, it is started for the smoke tests.
    dry_run
        Validate the environment and say what each step would do; change nothing.
    baseline_seconds
        Seconds of load for the baseline of step 8; 150 unless told otherwise.
    json
        Print JSON.
    """
    with target(config, url, is_quiet=json, baseline_seconds=baseline_seconds) as found:
        on_step = _nothing if json else _print_step
        result = plan(found, on_step=on_step) if dry_run else deploy(found, on_start=_start, on_step=on_step)
    if json:
        print(msgspec.json.encode(result).decode())
    elif result.resumed_after:
        print(f"The run before was stopped during “{result.resumed_after}”; this one went on.")
    return 0 if result.succeeded else 1


def rollback_command(
    *, config: ConfigPath = Path("pack2.toml"), dry_run: Flag = False, json: Json = False
) -> int:
    """Take out of the database what Pack 2 put there: triggers, rollups, indexes. Data and files stay.

    Exit code 1: something could not be taken back, and its line says why.

    Example: `pack2 rollback --dry-run`

    Parameters
    ----------
    config
        The configuration.
    dry_run
        Only say what would be done.
    json
        Print JSON.
    """
    with target(config, None, is_quiet=json) as found:
        results = rollback(found, dry_run=dry_run, on_step=_silent if json else _print_undone)
    if json:
        print(msgspec.json.encode([{"name": name, "outcome": outcome} for name, outcome in results]).decode())
    return int(any(outcome.state == "failed" for _, outcome in results))


@contextmanager
def target(
    config: Path,
    url: str | None,
    *,
    is_quiet: bool,
    baseline_seconds: float | None = None,
    is_deployed: bool = False,
) -> Iterator[Target]:
    """What pack2.toml describes, with its servers; we work in its folder meanwhile.

    `is_deployed`: whether the servers answer is asked later, and the application is at its own url.
    """
    settings = load_config(config)
    if is_deployed and settings.application is not None:
        url = url or settings.application.url or None
    with contextlib.chdir(config.absolute().parent), services(is_asked=not is_deployed) as found:
        yield Target(
            settings,
            config.absolute(),
            found,
            dict(os.environ),
            None if url is None else url.rstrip("/"),
            no_progress if is_quiet else progress,
            is_quiet,
            baseline_seconds,
        )


def line(name: str, state: str, style: str, text: str) -> Text:
    """`name state: text`, wrapped to the width, what follows indented."""
    wrapped = textwrap.fill(
        f"{name:<26}{state}: {text}", _WIDTH, subsequent_indent=" " * 4, break_on_hyphens=False
    )
    told = Text(wrapped)
    told.stylize(style, max(26, len(name)), max(26, len(name)) + len(state))
    return told


def _start(number: int, name: str) -> None:
    if sys.stderr.isatty():
        print(f"{number}. {name} …", end="\r", file=sys.stderr, flush=True)


def _print_step(number: int, name: str, outcome: Outcome, seconds: float) -> None:
    took = f" ({seconds:.1f} s)" if seconds >= 1 else ""
    _print(f"{number}. {name}", Outcome(outcome.state, outcome.text + took))


def _print_undone(name: str, outcome: Outcome) -> None:
    _print(name, outcome)


def _print(name: str, outcome: Outcome) -> None:
    Console(width=_WIDTH).print(line(name, outcome.state, _STYLES[outcome.state], outcome.text))


def _nothing(_number: int, _name: str, _outcome: Outcome, _seconds: float) -> None:
    """Nothing is printed while the steps run."""


def _silent(_name: str, _outcome: Outcome) -> None:
    """Nothing is printed while the steps run."""
