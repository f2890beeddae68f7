"""A load test from beginning to end: prepare the site, send the profile, judge, write result and report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np

from pack2.config import Config
from pack2.loadtest import stress as stressing
from pack2.loadtest.counters import count_routes
from pack2.loadtest.digest import digest
from pack2.loadtest.errors import RateError
from pack2.loadtest.generate import Load, generate
from pack2.loadtest.profiles import (
    BASELINE_RUNS,
    PROFILES,
    STEP_SECONDS,
    Kind,
    Stage,
    judged_spans,
    stages,
)
from pack2.loadtest.progress import LoadProgress
from pack2.loadtest.records import Records, concatenate
from pack2.loadtest.report import write_report
from pack2.loadtest.result import LoadResult, RouteCount, RunDigest, StepRow, ThresholdRow, write_result
from pack2.loadtest.series import hit_percent, moments, origin_ms, routes, sent_within
from pack2.loadtest.site import Site, site
from pack2.loadtest.thresholds import error_row, failing_routes, latency_rows, throughput_row
from pack2.loadtest.verdict import judge
from pack2.services import Services

_SHORTEST_SECONDS, _MOST_RATE = 3.0, 20_000.0
_MEMORY_GROWTH = 1.5
_GROWTH_FROM = 0.1
"""Memory after the first tenth of an endurance test is what it may not outgrow by half."""


def loadtest(
    config: Config,
    kind: str,
    *,
    size: str = "small",
    url: str | None = None,
    rate: float | None = None,
    seconds: float | None = None,
    out: Path = Path("build/loadtest"),
    quiet: bool = False,
    opened: Services | None = None,
    repeats: int = BASELINE_RUNS,
) -> LoadResult:
    """Run one kind of test and write `<kind>.json` and `<kind>.html` to `out`. Raises Pack2Error.

    `opened` are servers that run already; `repeats` is how many runs a baseline has.
    """
    profile = PROFILES[kind]
    wanted_rate = _checked("rate", profile.rate if rate is None else rate, 0.1, _MOST_RATE)
    wanted_seconds = _checked(
        "duration", profile.seconds if seconds is None else seconds, _SHORTEST_SECONDS, 7 * 86400
    )
    started = datetime.now(UTC).isoformat(timespec="seconds")
    with LoadProgress(wanted_seconds, quiet=quiet) as progress:
        logs = out / "logs"
        with site(config, size=size, url=url, logs=logs, told=progress.step, opened=opened) as found:
            times = repeats if kind == "baseline" else 1
            test = _Test(found, cast(Kind, kind), wanted_rate, wanted_seconds, times, progress)
            result = test.run(started)
        write_result(result, out / f"{kind}.json")
        write_report(result, out / f"{kind}.html")
    return result


def _checked(name: str, value: float, lowest: float, highest: float) -> float:
    if not lowest <= value <= highest:
        raise RateError(name=name, value=value, accepted=f"{lowest:g} to {highest:g} is possible")
    return value


class _Test:
    """Holds what the parts of one test share."""

    def __init__(
        self, found: Site, kind: Kind, rate: float, seconds: float, repeats: int, progress: LoadProgress
    ) -> None:
        self.site = found
        self.kind = kind
        self.rate = rate
        self.seconds = seconds
        self.repeats = repeats
        self.progress = progress
        self.plan: tuple[Stage, ...] = ()
        self.steps: list[StepRow] = []
        self.loads: list[Load] = []

    def run(self, started: str) -> LoadResult:
        counts: tuple[RouteCount, ...] = ()
        if self.kind == "baseline":
            self.progress.step("counting what each route asks of the servers")
            counts = count_routes(self.site)
        if self.kind == "stress":
            self.steps, self.loads = stressing.stress(self.site, self.rate, self.seconds, self.progress)
            self.plan = _steps_plan(self.steps, self.seconds)
        else:
            self.plan = stages(self.kind, self.rate, self.seconds / self.repeats)
            for number in range(self.repeats):
                label = f"{self.kind} run {number + 1}" if self.repeats > 1 else self.kind
                self.loads.append(generate(self.site, self.kind, label, self.plan, self.progress))
                if self.loads[-1].run.interrupted:
                    break
        return self._result(started, counts)

    def _result(self, started: str, counts: Any) -> LoadResult:
        everything = concatenate([load.run.records for load in self.loads])
        judged = concatenate([self._judged(place) for place in range(len(self.loads))])
        counted = self._errors_over(everything)
        thresholds = [
            *latency_rows(judged),
            error_row(counted),
            self._throughput(judged),
        ]
        judgement = judge(
            thresholds,
            [load.conduct for load in self.loads],
            observed=tuple(self._observed()),
            failures=(*self._failures(), *failing_routes(counted)),
        )
        return LoadResult(
            kind=self.kind,
            verdict=judgement.verdict,
            invalid_reasons=judgement.invalid_reasons,
            fail_reasons=judgement.fail_reasons,
            notes=judgement.notes,
            thresholds=tuple(thresholds),
            metrics=self._metrics(everything, judged),
            environment=self._environment(),
            stages=self.plan,
            moments=self._moments(),
            routes=routes(judged),
            steps=tuple(self.steps),
            runs=self._digests() if self.kind == "baseline" else (),
            counts=counts,
            started=started,
        )

    def _judged(self, place: int) -> Records:
        """Of a stress test's steps only those that were held; else what was sent in the judged stages."""
        records = self.loads[place].run.records
        if self.kind == "stress":
            is_held = place < len(self.steps) and self.steps[place].is_held
            return records.where(np.full(len(records), is_held))
        return records.where(sent_within(records, judged_spans(self.plan), origin_ms(records)))

    def _errors_over(self, everything: Records) -> Records:
        """A stress test looks for errors: only its held steps are judged."""
        if self.kind != "stress":
            return everything
        return concatenate([self._judged(place) for place in range(len(self.loads))])

    def _throughput(self, judged: Records) -> ThresholdRow:
        if self.kind == "stress":
            held = stressing.held(self.steps) or 0.0
            return throughput_row(held, len(judged), max((step.rate for step in self.steps), default=0.0))
        spans = judged_spans(self.plan)
        seconds = sum(end - start for start, end in spans) * max(1, len(self.loads))
        offered = min(stage.rate for stage in self.plan if stage.is_judged)
        answered = int((~judged.failed & (judged.position >= 0)).sum())
        return throughput_row(answered / seconds if len(judged) else None, len(judged), offered)

    def _observed(self) -> list[str]:
        reasons = []
        if any(load.run.interrupted for load in self.loads):
            done = sum(load.run.seconds for load in self.loads)
            reasons.append(f"it was interrupted after {done:.0f} s of load")
        if self.site.server is not None and not self.site.server.alive:
            reasons.append("the application ended while it was loaded")
        names = sorted({name for load in self.loads for name in load.run.empty_thresholds})
        return reasons + [f"the script's threshold on {name} matched no sample" for name in names]

    def _failures(self) -> list[str]:
        reasons = []
        if self.kind == "stress" and not any(step.is_held for step in self.steps) and self.steps:
            first = self.steps[0]
            reasons.append(f"not even {first.rate:.0f}/s was held: {first.reason}")
        growth = self._memory_growth()
        if self.kind == "endurance" and growth is not None and growth > _MEMORY_GROWTH:
            reasons.append(f"the application's memory grew by {100 * (growth - 1):.0f} % (50 % allowed)")
        return reasons

    def _memory_growth(self) -> float | None:
        samples = [sample for load in self.loads for sample in load.samples]
        if len(samples) < 10:
            return None
        first = samples[int(_GROWTH_FROM * len(samples))].memory_bytes
        return samples[-1].memory_bytes / first if first else None

    def _metrics(self, everything: Records, judged: Records) -> dict[str, float | None]:
        def p95(kind: str) -> float | None:
            values = everything.duration_ms[everything.kind == kind]
            return float(np.percentile(values, 95)) if len(values) else None

        sent = len(everything)
        cpu = [load.server_cpu_seconds for load in self.loads if load.server_cpu_seconds is not None]
        memory = [load.server_memory_bytes for load in self.loads if load.server_memory_bytes is not None]
        sign_in = sorted(self.site.door.sign_in_ms)
        return {
            "requests": float(sent),
            "api_requests_per_second": float((~everything.failed).sum()) / max(1e-9, self._loaded_seconds()),
            "hit_percent": hit_percent(judged),
            "sign_in_p95_ms": p95("sign-in") or (float(np.percentile(sign_in, 95)) if sign_in else None),
            "calculation_p95_ms": p95("calculation"),
            "live_first_byte_p95_ms": p95("live"),
            "report_p95_ms": p95("report"),
            "dropped_percent": 100 * max((load.conduct.dropped_ratio for load in self.loads), default=0.0),
            "generator_cpu_percent": 100
            * max((load.conduct.generator_cpu_ratio for load in self.loads), default=0.0),
            "others_cpu_percent": max(
                (100 * load.conduct.others_cpu_ratio for load in self.loads if load.conduct.others_cpu_ratio),
                default=None,
            ),
            "server_cpu_ms_per_request": 1000 * sum(cpu) / sent if cpu and sent else None,
            "server_memory_bytes": float(max(memory)) if memory else None,
            "held_rate": stressing.held(self.steps),
            "broken_rate": stressing.broken(self.steps),
        }

    def _loaded_seconds(self) -> float:
        if self.kind == "stress":
            return sum(min(STEP_SECONDS, self.seconds / 3) for _ in self.loads)
        return sum(stage.seconds for stage in self.plan) * len(self.loads)

    def _environment(self) -> dict[str, Any]:
        return self.site.environment | {
            "accounts": len(self.site.parameters["accounts"]),
            "visits": self.site.visits,
            "offers": sorted(self.site.parameters.get("offers", [])),
            "rate": self.rate,
            "seconds": self.seconds,
        }

    def _moments(self) -> Any:
        """Of one run, or of repeated ones one behind the other."""
        rows, offset = [], 0.0
        each = self._loaded_seconds() / max(1, len(self.loads))
        for place, load in enumerate(self.loads):
            records = load.run.records
            plan = (self.plan[place],) if self.kind == "stress" and place < len(self.plan) else self.plan
            for row in moments(records, plan, load.samples, origin_ms(records), each):
                rows.append(_shifted(row, offset))
            offset += each
        return tuple(rows)

    def _digests(self) -> tuple[RunDigest, ...]:
        return tuple(digest(load, self._judged(place)) for place, load in enumerate(self.loads))


def _steps_plan(steps: Sequence[StepRow], seconds: float) -> tuple[Stage, ...]:
    each = min(STEP_SECONDS, seconds / 3)
    return tuple(Stage(f"{step.rate:.0f}/s", each, step.rate, is_judged=step.is_held) for step in steps)


def _shifted(row: Any, offset: float) -> Any:
    return msgspec.structs.replace(row, seconds=row.seconds + offset)
