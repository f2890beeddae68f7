"""The check: take or make a result, compare it with the baseline, measure again while it is undecided, judge.

`pass`: nothing is shown to be worse. `fail`: something is, with its route and figure. `invalid`: another
environment, a run that may not be believed, or a change beyond its limit that more runs could not confirm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from pack2.loadtest.result import LoadResult
from pack2.regression.baseline import Baseline, differences, fingerprint
from pack2.regression.compare import Finding, compare
from pack2.regression.counts import CountChange, compare_counts, missing_routes

Outcome = Literal["pass", "fail", "invalid"]
MOST_ROUNDS = 3

Measure = Callable[[], LoadResult]


class Check(msgspec.Struct, frozen=True):
    """What was found; `runs` is how many runs of this build it stands on."""

    verdict: Outcome
    invalid_reasons: tuple[str, ...]
    fail_reasons: tuple[str, ...]
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]
    counts: tuple[CountChange, ...]
    runs: int
    baseline_started: str
    environment: dict[str, Any] = {}

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 2 invalid."""
        return {"pass": 0, "fail": 1, "invalid": 2}[self.verdict]


def check(
    baseline: Baseline, measure: Measure, *, accept_environment: bool = False, rounds: int = MOST_ROUNDS
) -> tuple[Check, LoadResult]:
    """Measure up to `rounds` times while a finding is undecided; the check and all results put together."""
    result = measure()
    found = judge(baseline, result, accept_environment=accept_environment)
    for _ in range(rounds - 1):
        if result.verdict == "invalid" or not any(one.outcome == "undecided" for one in found.findings):
            break
        more = measure()
        if more.verdict == "invalid":
            break
        result = msgspec.structs.replace(result, runs=(*result.runs, *more.runs))
        found = judge(baseline, result, accept_environment=accept_environment)
    return found, result


def judge(baseline: Baseline, result: LoadResult, *, accept_environment: bool = False) -> Check:
    """Compare one result, which may hold the runs of several, and judge it."""
    findings = compare(baseline.runs, result.runs) if baseline.runs and result.runs else ()
    counts = compare_counts(baseline.counts, result.counts)
    elsewhere = differences(baseline.fingerprint, fingerprint(result.environment))
    failures = (*_worse_counts(counts), *_worse(findings))
    invalid = [*_unsound(result), *([] if accept_environment else elsewhere)]
    if not findings:
        invalid.append("there are no runs to compare")
    undecided = [sentence(one) for one in findings if one.outcome == "undecided"]
    if not failures:
        invalid += [f"not decided by {len(result.runs)} runs: {text}" for text in undecided]
    notes = [*(elsewhere if accept_environment else ())]
    notes += [f"{name} was not asked this time" for name in missing_routes(baseline.counts, result.counts)]
    if baseline.counts and not result.counts:
        notes.append("the counts were not compared: they need an application that is started here")
    return Check(
        verdict="invalid" if invalid else "fail" if failures else "pass",
        invalid_reasons=tuple(invalid),
        fail_reasons=failures,
        notes=tuple(notes),
        findings=findings,
        counts=counts,
        runs=len(result.runs),
        baseline_started=baseline.started,
        environment=result.environment,
    )


def _unsound(result: LoadResult) -> Sequence[str]:
    """Reasons of the run itself; that a threshold is missed is another question than whether it is worse."""
    return result.invalid_reasons if result.verdict == "invalid" else ()


def _worse_counts(counts: Sequence[CountChange]) -> tuple[str, ...]:
    return tuple(
        f"{one.route}: {one.count.replace('_', ' ')} {one.baseline:,} → {one.now:,}"
        for one in counts
        if one.outcome == "worse"
    )


def _worse(findings: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(sentence(one) for one in findings if one.outcome == "worse")


def sentence(one: Finding) -> str:
    """A finding with its figures."""
    low, high = one.interval
    unit = "points" if one.rule == "errors" else "%"
    figures = f"{one.baseline:.4g} → {one.now:.4g} {one.unit}, {one.change_percent:+.1f} {unit}"
    return (
        f"{one.subject}: {one.rule} {figures}"
        f" (interval {low:+.1f} to {high:+.1f}; {one.limit_percent:+.3g} allowed)"
    )


def write_check(found: Check, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
