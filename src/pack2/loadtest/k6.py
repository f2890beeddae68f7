"""Runs k6 once: environment in, records, dropped iterations and the generator's own CPU use out."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from pack2.loadtest.errors import K6MissingError, LoadScriptError
from pack2.loadtest.records import Records, read_records

_THRESHOLD_FAILED = 99
_WAITING_SECONDS = 2.5
"""Virtual users are enough for a server that answers nothing for this long: fewer would hide its stall."""


_MOST_REQUESTS = 250_000
"""A longer sequence would take k6 more memory than it is worth: it begins again after these."""
_POLL_SECONDS = 0.25
_END_SECONDS = 15.0
"""An interrupted generator finishes its requests; after this long it is killed."""
Tick = Callable[[], None]
"""Called about four times a second while k6 runs."""

INGEST_SECONDS = 60
"""Market data arrives in batches, once a minute: one-minute bars."""


@dataclass(frozen=True)
class Scenario:
    """One run: `name` is the script's scenario, `rate` requests a second, `offset` the first position of
    its sequence; a batch is ingested after `ingest_after` seconds and each `INGEST_SECONDS` from there on.

    With `stages`, (seconds, rate) each, arrivals go from one rate to the next; the first is the start, and
    `rate` is their highest. Every `visit_seconds` one of `visitors` goes through a whole session (0: none).
    """

    name: str
    rate: float
    seconds: float
    offset: int = 0
    ingest_from: int = 0
    ingest_after: float = 0.0
    vus: int | None = None
    waiting_seconds: float = _WAITING_SECONDS
    stages: tuple[tuple[float, float], ...] = ()
    visit_seconds: float = 0.0
    visitors: int = 10

    @property
    def requests(self) -> int:
        """The length of the sequence: what the stages send, or a part of it that is then repeated."""
        ramps = zip(self.stages, self.stages[1:], strict=False)
        sent = sum(seconds * (start + end) / 2 for (_, start), (seconds, end) in ramps)
        return min(_MOST_REQUESTS, math.ceil(sent) + 20)

    @property
    def virtual_users(self) -> int:
        return self.vus or min(2000, max(20, math.ceil(self.rate * self.waiting_seconds)))

    def environment(self) -> dict[str, str]:
        return {
            "SCENARIO": self.name,
            "RATE": f"{self.rate:.1f}",
            "DURATION": f"{math.ceil(self.seconds)}",
            "OFFSET": str(self.offset),
            "INGEST_FROM": str(self.ingest_from),
            "INGEST_AFTER": f"{self.ingest_after:.1f}",
            "INGEST_SECONDS": str(INGEST_SECONDS),
            "VUS": str(self.virtual_users),
        } | self._more()

    def _more(self) -> dict[str, str]:
        more: dict[str, str] = {}
        if self.stages:
            more |= {"STAGES": json.dumps(self.stages), "REQUESTS": str(self.requests)}
        if self.visit_seconds:
            more |= {"VISIT_SECONDS": f"{self.visit_seconds:.0f}", "VISITORS": str(self.visitors)}
        return more


@dataclass(frozen=True)
class K6Run:
    """What one run gave. `cpu_ratio`: the generator's CPU seconds over the run's seconds (1.0 = one whole
    core)."""

    records: Records
    seconds: float
    dropped: int
    cpu_ratio: float
    empty_thresholds: tuple[str, ...] = ()
    failed_thresholds: bool = False
    started_ms: float = 0.0
    interrupted: bool = False

    @property
    def dropped_ratio(self) -> float:
        arrived = self.dropped + int((self.records.kind != "ingest").sum())
        return self.dropped / arrived if arrived else 0.0


@dataclass(frozen=True)
class _Files:
    folder: Path
    summary: Path = field(init=False)
    console: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "summary", self.folder / "summary.json")
        object.__setattr__(self, "console", self.folder / "console.txt")


def find_k6() -> Path:
    """k6 beside this Python, else on the PATH. Raises K6MissingError."""
    beside = Path(sys.executable).parent / "k6"
    found = str(beside) if beside.exists() else shutil.which("k6")
    if found is None:
        raise K6MissingError
    return Path(found)


def run_k6(
    script: Path,
    base_url: str,
    scenario: Scenario,
    environment: dict[str, str],
    *,
    tick: Tick | None = None,
    keep_partial: bool = False,
) -> K6Run:
    """Run `script` once and read its results back. `environment` adds TOKENS_FILE, PARAMETERS_FILE, SEED …

    The generator runs on the cores that this process is bound to. With `keep_partial`, Ctrl-C or SIGTERM ends
    the run and gives what it had until then, `interrupted`. Raises LoadScriptError when k6 does not finish.
    """
    with tempfile.TemporaryDirectory(prefix="pack2-k6-") as folder:
        files = _Files(Path(folder))
        command = [str(find_k6()), "run", "--quiet", "--no-usage-report", "--no-color", "--address", ""]
        command += ["--log-format", "raw", "--console-output", str(files.console), str(script)]
        variables = os.environ | environment | scenario.environment()
        variables |= {"BASE_URL": base_url, "SUMMARY_FILE": str(files.summary), "K6_NO_USAGE_REPORT": "true"}
        started = time.time()
        cpu_before = _cpu_of_children()
        interrupted = False
        with _child(command, variables) as process:
            try:
                errors = _errors_of(process, tick)
            except (KeyboardInterrupt, SystemExit):
                if not keep_partial:
                    raise
                interrupted = True
                errors = _ended(process)
        cpu_seconds = _cpu_of_children() - cpu_before
        seconds = time.time() - started
        if not interrupted and process.returncode not in (0, _THRESHOLD_FAILED):
            raise LoadScriptError(script=script, reason=_told(errors) or f"exit code {process.returncode}")
        summary = _read_summary(files.summary)
        return K6Run(
            records=read_records(files.console, cut_short=interrupted),
            seconds=seconds,
            dropped=int(_counter(summary, "dropped_iterations")),
            cpu_ratio=cpu_seconds / seconds,
            empty_thresholds=empty_thresholds(summary),
            failed_thresholds=process.returncode == _THRESHOLD_FAILED,
            started_ms=started * 1000,
            interrupted=interrupted,
        )


def _told(errors: str) -> str:
    """The last line that is a message: below an exception come the places that it passed through."""
    lines = [line for line in errors.splitlines() if line.strip()]
    messages = [line for line in lines if not line.lstrip().startswith("at ")]
    return (messages or lines or [""])[-1].strip()[:300]


def _errors_of(process: subprocess.Popen[str], tick: Tick | None) -> str:
    """Wait for the end; what it wrote to stderr."""
    while True:
        try:
            return process.communicate(timeout=_POLL_SECONDS if tick else None)[1]
        except subprocess.TimeoutExpired:
            assert tick is not None
            tick()


def _ended(process: subprocess.Popen[str]) -> str:
    """Ask k6 to stop, as Ctrl-C would: it writes its summary; kill it where that takes too long."""
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=_END_SECONDS)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[1]


@contextmanager
def _child(command: list[str], variables: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The generator, in a session of its own; gone when we leave, however we leave."""
    process = subprocess.Popen(
        command,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _cpu_of_children() -> float:
    """CPU seconds of every child process that we have waited for."""
    times = psutil.Process().cpu_times()
    return float(times.children_user + times.children_system)


def _read_summary(path: Path) -> dict[str, dict[str, object]]:
    if not path.exists():
        return {}
    metrics: dict[str, dict[str, object]] = json.loads(path.read_text())["metrics"]
    return metrics


def _counter(metrics: dict[str, dict[str, object]], name: str) -> float:
    values = metrics.get(name, {}).get("values", {})
    return float(values.get("count", 0)) if isinstance(values, dict) else 0.0


def empty_thresholds(metrics: dict[str, dict[str, object]]) -> tuple[str, ...]:
    """Metrics that a threshold of the script judges although no sample reached them: k6 lets those pass."""
    return tuple(
        sorted(name for name, metric in metrics.items() if metric.get("thresholds") and _is_empty(metric))
    )


def _is_empty(metric: dict[str, object]) -> bool:
    values = metric.get("values")
    return not isinstance(values, dict) or not any(values.values())
