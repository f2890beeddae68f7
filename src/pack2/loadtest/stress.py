"""A stress test: one step after another, each half as much again, until the application gives way.

A step is held when p95 < 500 ms, errors < 1 % and dropped arrivals ≤ 0.1 % (the guide's thresholds). Where
the generator passes 70 % of its core the search ends: what was held is then a lower bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from pack2.loadtest.generate import Load, generate, held_p95_ms
from pack2.loadtest.k6 import K6Run
from pack2.loadtest.profiles import STEP_GROWTH, STEP_SECONDS, Stage
from pack2.loadtest.progress import LoadProgress
from pack2.loadtest.result import StepRow
from pack2.loadtest.site import Site
from pack2.loadtest.thresholds import API, ERROR_PERCENT
from pack2.loadtest.verdict import DROPPED_RATIO, GENERATOR_CPU_RATIO

P95_MS = API[0].milliseconds


def step_row(rate: float, run: K6Run) -> StepRow:
    """One step and, where it was not held, the first reason."""
    p95 = held_p95_ms(run)
    errors = 100 * float(run.records.failed.mean()) if len(run.records) else 100.0
    reasons = [
        (f"p95 {p95:.0f} ms" if math.isfinite(p95) else "no answer", p95 >= P95_MS),
        (f"errors {errors:.1f} %", errors >= ERROR_PERCENT),
        (f"{100 * run.dropped_ratio:.1f} % of the arrivals dropped", run.dropped_ratio > DROPPED_RATIO),
    ]
    broken = [reason for reason, is_so in reasons if is_so]
    return StepRow(
        rate=rate,
        p95_ms=p95 if math.isfinite(p95) else None,
        error_percent=errors,
        dropped_percent=100 * run.dropped_ratio,
        generator_cpu_percent=100 * run.cpu_ratio,
        is_held=not broken,
        reason=", ".join(broken),
    )


def is_generator_limited(step: StepRow) -> bool:
    return step.generator_cpu_percent > 100 * GENERATOR_CPU_RATIO


def climb(try_rate: Callable[[float], StepRow | None], rate: float, most_steps: int) -> list[StepRow]:
    """Steps from `rate` up to the first that is not held, the generator's limit, or None (stop)."""
    steps: list[StepRow] = []
    while len(steps) < most_steps:
        step = try_rate(rate)
        if step is None:
            break
        steps.append(step)
        if not step.is_held or is_generator_limited(step):
            break
        rate *= STEP_GROWTH
    return steps


def stress(
    site: Site, rate: float, seconds: float, progress: LoadProgress
) -> tuple[list[StepRow], list[Load]]:
    """All steps within `seconds`, and what each run gave."""
    step_seconds = min(STEP_SECONDS, seconds / 3)
    loads: list[Load] = []

    def try_rate(wanted: float) -> StepRow | None:
        plan = (Stage(f"{wanted:.0f}/s", step_seconds, wanted),)
        load = generate(
            site, "stress", f"stress at {wanted:.0f}/s", plan, progress, with_visits=False, is_search=True
        )
        loads.append(load)
        return None if load.run.interrupted else step_row(wanted, load.run)

    return climb(try_rate, rate, max(1, int(seconds / step_seconds))), loads


def held(steps: Sequence[StepRow]) -> float | None:
    """The highest rate that was held."""
    return max((step.rate for step in steps if step.is_held), default=None)


def broken(steps: Sequence[StepRow]) -> float | None:
    """The rate at which it broke, None where the generator or the time ended the search."""
    return next((step.rate for step in steps if not step.is_held), None)
