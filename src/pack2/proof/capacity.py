"""Capacity: the highest arrival rate that a server holds.

A rate is held when, over one step of an open model, p95 of all requests ≤ 500 ms, errors < 1 % and dropped
arrivals ≤ 0.1 %. A closed burst gives the first guess; steps bracket the limit from there; the highest
rate that
held is then confirmed by a longer step. Where even an idle untuned server needs more than 250 ms at p95,
the limit
for both variants is twice what it needs, which favours the untuned one. Where the generator itself passes
70 % of its core, the search
ends: the
figure is a lower bound. The bracket [highest held, lowest broken] is the interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from pack2.loadtest import K6Run
from pack2.loadtest.records import Records
from pack2.proof.errors import UnmeasurableError
from pack2.proof.model import Capacity, CapacityStep, Metric, Variant
from pack2.proof.plan import Profile
from pack2.proof.stage import Stage
from pack2.proof.statistics import change_percent
from pack2.proof.verdict import DROPPED_RATIO, ERROR_RATIO, GENERATOR_CPU_RATIO

P95_MS = 500.0
_GROW, _SHRINK = 1.6, 0.65
_MAXIMUM_STEPS, _MAXIMUM_CONFIRMATIONS = 10, 10
_GIVE_WAY = 0.85
_LOWEST_RATE = 1.0
_BURST_USERS = 12
_WAITING_RATIO = 1.6
"""Virtual users for a step: a rate that is held never has more than this many limits of arrivals in
flight."""

TryRate = Callable[[float, bool], CapacityStep]


def search(try_rate: TryRate, guess: float, bracket_ratio: float) -> tuple[Capacity, list[CapacityStep]]:
    """Bracket the limit from `guess` until lowest broken / highest held ≤ `bracket_ratio`, then confirm.

    `try_rate(rate, confirming)` runs one step.
    """
    steps: list[CapacityStep] = []
    held, broken = 0.0, math.inf
    rate = max(_LOWEST_RATE, guess)
    while len(steps) < _MAXIMUM_STEPS and broken / max(held, 1e-9) > bracket_ratio:
        step = try_rate(rate, False)
        steps.append(step)
        held, broken = (rate, broken) if step.passed else (held, rate)
        if (step.passed and _limited(step)) or (held == 0 and rate <= _LOWEST_RATE):
            break
        rate = _next(held, broken)
    return _confirm(try_rate, held, broken, steps)


def _next(held: float, broken: float) -> float:
    if math.isinf(broken):
        return held * _GROW
    return max(_LOWEST_RATE, broken * _SHRINK) if held == 0 else math.sqrt(held * broken)


def _confirm(
    try_rate: TryRate, held: float, broken: float, steps: list[CapacityStep]
) -> tuple[Capacity, list[CapacityStep]]:
    while held >= _LOWEST_RATE and len(steps) < _MAXIMUM_STEPS + _MAXIMUM_CONFIRMATIONS:
        step = try_rate(held, True)
        steps.append(step)
        if step.passed:
            limited = any(_limited(one) for one in steps)
            upper = None if limited or math.isinf(broken) else broken
            return Capacity(held, upper, limited, samples=0), steps
        held, broken = held * _GIVE_WAY, held
    return Capacity(0.0, None, generator_limited=False, samples=0), steps


def _limited(step: CapacityStep) -> bool:
    return step.generator_cpu_ratio > GENERATOR_CPU_RATIO


def holds(run: K6Run, limit_ms: float = P95_MS) -> bool:
    """The definition of this module's docstring."""
    records = load_of(run.records)
    if len(records) == 0:
        return False
    return (
        float(np.percentile(records.duration_ms, 95)) <= limit_ms
        and float(records.failed.mean()) < ERROR_RATIO
        and run.dropped_ratio <= DROPPED_RATIO
    )


def load_of(records: Records) -> Records:
    """The journey's requests without the operator's ingestion."""
    return records.where(records.kind != "ingest")


def limit(stage: Stage, profile: Profile) -> float:
    """The p95 in ms up to which a rate is held, for both variants: 500, or twice the idle untuned
    server's."""
    seconds = 2 * profile.step_seconds
    offset = stage.warm_up_tape.take(2000, seconds)
    run, _ = stage.run("before", "estimate", "idle before", 0, seconds, offset, vus=1)
    idle = run.records.duration_ms
    return max(P95_MS, 2 * float(np.percentile(idle, 95))) if len(idle) else P95_MS


def measure(
    stage: Stage, profile: Profile, variant: Variant, limit_ms: float
) -> tuple[Capacity, list[CapacityStep]]:
    """Find one variant's capacity. Raises UnmeasurableError when not even one request a second is held."""
    guess = 0.9 * _burst(stage, profile, variant)
    samples = 0

    def try_rate(rate: float, confirming: bool) -> CapacityStep:
        nonlocal samples
        seconds = profile.confirm_seconds if confirming else profile.step_seconds
        label = f"capacity {variant} {'confirmed ' if confirming else ''}at {rate:.0f}/s"
        offset = stage.tape.take(rate, seconds)
        run, health = stage.run(
            variant,
            "capacity",
            label,
            rate,
            seconds,
            offset,
            waiting_seconds=_WAITING_RATIO * limit_ms / 1000,
        )
        records = load_of(run.records)
        samples += len(records) if confirming else 0
        p95 = float(np.percentile(records.duration_ms, 95)) if len(records) else math.inf
        return CapacityStep(
            variant=variant,
            rate=rate,
            p95_ms=p95,
            error_ratio=health.error_ratio,
            dropped_ratio=health.dropped_ratio,
            generator_cpu_ratio=health.generator_cpu_ratio,
            passed=holds(run, limit_ms),
            confirming=confirming,
        )

    capacity, steps = search(try_rate, guess, profile.bracket_ratio)
    if capacity.held_rate < _LOWEST_RATE:
        reason = (
            f"at {steps[-1].rate:.1f}/s p95 was {steps[-1].p95_ms:.0f} ms, errors {steps[-1].error_ratio:.0%}"
        )
        raise UnmeasurableError(variant=variant, reason=reason)
    return Capacity(capacity.held_rate, capacity.broken_rate, capacity.generator_limited, samples), steps


def _burst(stage: Stage, profile: Profile, variant: Variant) -> float:
    """Requests a second that a few busy users get answered: about the server's throughput when saturated."""
    offset = stage.warm_up_tape.take(2000, profile.step_seconds)
    label = f"burst {variant}"
    run, _ = stage.run(variant, "estimate", label, 0, profile.step_seconds, offset, vus=_BURST_USERS)
    finished = run.records.finished_ms
    if len(finished) < 2:
        return _LOWEST_RATE
    return 1000 * (len(finished) - 1) / max(1.0, float(finished.max() - finished.min()))


def metric(before: Capacity, after: Capacity, target_percent: float) -> Metric:
    """Capacity before and after; the interval is what both brackets allow at worst and at best."""
    low = change_percent(before.broken_rate or before.held_rate, after.held_rate)
    high = None if after.broken_rate is None else change_percent(before.held_rate, after.broken_rate)
    notes = [
        f"{name}: ≥ {one.held_rate:.0f}/s, generator-limited"
        for name, one in (("before", before), ("after", after))
        if one.generator_limited
    ]
    return Metric(
        before=before.held_rate,
        after=after.held_rate,
        change_percent=change_percent(before.held_rate, after.held_rate),
        ci95_percent=(low, high),
        target_percent=target_percent,
        samples=before.samples + after.samples,
        note="; ".join(notes),
    )


def confirming(steps: Sequence[CapacityStep], variant: Variant) -> list[CapacityStep]:
    return [step for step in steps if step.variant == variant and step.confirming]
