"""The accepted result that later runs are compared with, small enough to commit.

It holds histograms, counts and the environment's fingerprint, and nothing that names a person or a machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from pack2.loadtest.result import LoadResult, RouteCount, RunDigest
from pack2.regression.errors import BaselineMissingError, NotAcceptableError

FOLDER = Path("perf/baselines")
_FINGERPRINT = (
    "cpu_model", "cores", "memory_bytes", "kernel", "python", "k6", "postgresql", "redis", "application",
    "size", "seed", "rate", "seconds", "accounts", "generator_isolated",
)  # fmt: skip
"""What must be equal for two results to be compared."""
_MEMORY_STEP = 1024**3


class Baseline(msgspec.Struct, frozen=True):
    """Repeated runs and exact counts of one environment, accepted at `started`."""

    started: str
    fingerprint: dict[str, str]
    runs: tuple[RunDigest, ...]
    counts: tuple[RouteCount, ...]


def fingerprint(environment: Mapping[str, Any]) -> dict[str, str]:
    """What of `environment` bears on speed; memory in whole GB, the kernel without its patch level."""
    found = {name: str(environment.get(name, "unknown")) for name in _FINGERPRINT}
    if isinstance(memory := environment.get("memory_bytes"), int):
        found["memory_bytes"] = f"{round(memory / _MEMORY_STEP)} GB"
    found["kernel"] = ".".join(re.findall(r"\d+|[A-Za-z]+", found["kernel"])[:3])
    return found


def differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> tuple[str, ...]:
    """One sentence for each part of the environment that is not the baseline's."""
    return tuple(
        f"{name.replace('_', ' ')} is {theirs.get(name)}, the baseline's is {value}"
        for name, value in ours.items()
        if theirs.get(name) != value
    )


def of_result(result: LoadResult) -> Baseline:
    return Baseline(result.started, fingerprint(result.environment), result.runs, result.counts)


def path_of(name: str) -> Path:
    """A name is a file's; a path that ends with .json is itself."""
    return Path(name) if name.endswith(".json") else FOLDER / f"{name}.json"


def accept(result: LoadResult, name: str) -> Path:
    """Keep `result` as the baseline `name`. Raises NotAcceptableError for one that may not be believed."""
    if result.kind != "baseline" or not result.runs:
        raise NotAcceptableError(reason=f"it is of a {result.kind} test, which has no repeated runs")
    if result.verdict == "invalid":
        raise NotAcceptableError(reason="; ".join(result.invalid_reasons))
    path = path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(of_result(result)) + b"\n")
    return path


def read_baseline(name: str) -> Baseline:
    """The accepted baseline `name`. Raises BaselineMissingError."""
    path = path_of(name)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Baseline)
    except FileNotFoundError:
        raise BaselineMissingError(path=path, reason="there is no such baseline") from None
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise BaselineMissingError(path=path, reason=str(error)) from None
