"""What the five kinds of load test send: arrivals over time, and which part of that is judged.

Rule: arrivals do not wait for answers (an open model). The guide's "50 users" become a rate: a user who acts
every 0.4 s makes 2.4 requests a second, so 50 make 120; its spike of 200 users is 240 at half that pace.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["load", "stress", "spike", "endurance", "baseline"]

BASELINE_RUNS = 5
STEP_SECONDS = 15.0
STEP_GROWTH = 1.5
_CALM_SHARE = 0.25


class Stage(msgspec.Struct, frozen=True):
    """Arrivals for `seconds`, from the rate before up or down to `rate`, or at `rate` from the start.

    Percentiles are taken over judged stages; errors count everywhere.
    """

    name: str
    seconds: float
    rate: float
    is_ramp: bool = False
    is_judged: bool = True


class Profile(msgspec.Struct, frozen=True):
    """The defaults of one kind: requests a second, the seconds of the whole test, and what it is for."""

    kind: Kind
    rate: float
    seconds: float
    purpose: str


PROFILES: dict[str, Profile] = {
    profile.kind: profile
    for profile in (
        Profile("load", 120, 600, "the traffic of a normal day"),
        Profile("stress", 60, 900, "step up until it breaks, and say where"),
        Profile("spike", 240, 240, "a sudden rush, and whether it recovers"),
        Profile("endurance", 120, 3600, "hours of the same: leaks and slow decay"),
        Profile("baseline", 120, 150, "repeated short runs that later ones are compared with"),
    )
}


def stages(kind: Kind, rate: float, seconds: float) -> tuple[Stage, ...]:
    """The stages of `load`, `spike` and `endurance`; of a `baseline` those of one of its runs."""
    if kind == "load":
        return (
            Stage("ramp", seconds * 0.1, rate, is_ramp=True, is_judged=False),
            Stage("hold", seconds * 0.9, rate),
        )
    if kind == "endurance":
        ramp = min(30.0, seconds * 0.1)
        return (
            Stage("ramp", ramp, rate, is_ramp=True, is_judged=False),
            Stage("hold", seconds - ramp, rate),
        )
    if kind == "spike":
        calm = rate * _CALM_SHARE
        return (
            Stage("calm", seconds * 0.25, calm),
            Stage("rise", seconds * 0.05, rate, is_ramp=True, is_judged=False),
            Stage("peak", seconds * 0.25, rate, is_judged=False),
            Stage("fall", seconds * 0.05, calm, is_ramp=True, is_judged=False),
            Stage("settling", seconds * 0.1, calm, is_judged=False),
            Stage("recovered", seconds * 0.3, calm),
        )
    return (Stage("warm-up", seconds * 0.2, rate, is_judged=False), Stage("hold", seconds * 0.8, rate))


def arrivals(plan: tuple[Stage, ...]) -> tuple[tuple[float, float], ...]:
    """`plan` as the script takes it: (seconds, rate) pairs, of which the first is only where it starts."""
    start = 0.0 if plan[0].is_ramp else plan[0].rate
    points = [(0.0, start)]
    for stage in plan:
        if not stage.is_ramp and points[-1][1] != stage.rate:
            points.append((0.0, stage.rate))
        points.append((stage.seconds, stage.rate))
    return tuple(points)


def planned_rate(plan: tuple[Stage, ...], at_seconds: float) -> float:
    """Requests a second that the plan sends at that moment."""
    before = 0.0 if plan[0].is_ramp else plan[0].rate
    left = at_seconds
    for stage in plan:
        if left < stage.seconds:
            share = left / stage.seconds if stage.is_ramp else 1.0
            return before + (stage.rate - before) * share if stage.is_ramp else stage.rate
        left -= stage.seconds
        before = stage.rate
    return 0.0


def judged_spans(plan: tuple[Stage, ...]) -> list[tuple[float, float]]:
    """(from, to) in seconds of each judged stage."""
    spans, at = [], 0.0
    for stage in plan:
        if stage.is_judged:
            spans.append((at, at + stage.seconds))
        at += stage.seconds
    return spans
