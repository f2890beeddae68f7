"""`pack2 loadtest`: five kinds of load, one script, a verdict."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter

from pack2.config import load_config
from pack2.loadtest.run import loadtest
from pack2.loadtest.terminal import show
from pack2.regression.baseline import accept


def loadtest_command(
    kind: Literal["load", "stress", "spike", "endurance", "baseline"],
    /,
    *,
    rate: float | None = None,
    duration: float | None = None,
    url: str | None = None,
    size: str = "small",
    name: str | None = None,
    out: Path = Path("build/loadtest"),
    json: Annotated[bool, Parameter(negative=())] = False,
    config: Path = Path("pack2.toml"),
) -> int:
    """Load the application and judge it by the guide's thresholds; writes a JSON and a one-file HTML report.

    Exit code 0: pass. 1: fail, a threshold is missed. 2: invalid, the run may not be believed.

    Example: `pack2 loadtest load --rate 120 --duration 60`

    Parameters
    ----------
    kind
        load: ramp up and hold. stress: step up until it breaks. spike: a sudden rush. endurance: the same for
        long. baseline: repeated short runs, kept in perf/baselines for `pack2 regress check`.
    rate
        Requests a second: held, at the first step (stress), or at the peak (spike).
    duration
        Seconds of the whole test.
    url
        Test the application that answers there, with generated test accounts; without it one is started.
    size
        Sample data of the application that is started.
    name
        The baseline's name: `perf/baselines/<name>.json`; the data's size unless told otherwise.
    out
        Folder of the result and the report.
    json
        Print the result as JSON instead of the table.
    config
        The application's configuration.
    """
    configuration = load_config(config)
    result = loadtest(
        configuration, kind, size=size, url=url, rate=rate, seconds=duration, out=out, quiet=json
    )
    if kind == "baseline":
        accept(result, name or size)
    if json:
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
    else:
        show(result)
        print(f"\n{out / f'{kind}.html'}")
    return result.exit_code
