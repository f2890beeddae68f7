"""`pack2 regress`: is this build worse than the accepted one?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from pack2.config import load_config
from pack2.loadtest.result import read_result, write_result
from pack2.loadtest.run import loadtest
from pack2.regression.baseline import accept, read_baseline
from pack2.regression.check import check, write_check
from pack2.regression.terminal import show

app = App(name="regress", help="Compare a load with the accepted baseline.\n\nExample: `pack2 regress check`")
RESULT = Path("build/regression/result.json")


@app.command(name="check")
def check_command(
    *,
    baseline: str = "small",
    result: Path | None = None,
    url: str | None = None,
    rate: float | None = None,
    duration: float | None = None,
    size: str = "small",
    accept_environment: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
    config: Path = Path("pack2.toml"),
) -> int:
    """Compare with the baseline: time + 20 %, hit rate - 10 %, errors + 2 sigma, resources + 50 %, counts.

    Exit code 0: nothing is worse. 1: something is, and what. 2: it can not be said.

    Example: `pack2 regress check --baseline small`

    Parameters
    ----------
    baseline
        Name in perf/baselines, or a path that ends with .json.
    result
        Compare this result of `pack2 loadtest baseline` instead of measuring.
    url
        Measure the application that answers there.
    rate
        Requests a second, as for the baseline.
    duration
        Seconds, as for the baseline.
    size
        Sample data, as for the baseline.
    accept_environment
        Compare even though the baseline was made elsewhere.
    json
        Print the check as JSON.
    config
        The application's configuration.
    """
    accepted = read_baseline(baseline)
    if result is not None:
        known = read_result(result)
        found, measured = check(accepted, lambda: known, accept_environment=accept_environment, rounds=1)
    else:
        configuration = load_config(config)
        found, measured = check(
            accepted,
            lambda: loadtest(
                configuration, "baseline", size=size, url=url, rate=rate, seconds=duration,
                out=RESULT.parent, quiet=json,
            ),
            accept_environment=accept_environment,
        )  # fmt: skip
    write_result(measured, RESULT)
    write_check(found, RESULT.parent / "check.json")
    if json:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    else:
        show(found)
    return found.exit_code


@app.command(name="accept")
def accept_command(*, result: Path = RESULT, baseline: str = "small") -> None:
    """Make a result the baseline that later checks compare with.

    Example: `pack2 regress accept --baseline small`

    Parameters
    ----------
    result
        The last check's result unless told otherwise.
    baseline
        Name in perf/baselines, or a path that ends with .json.
    """
    print(accept(read_result(result), baseline))
