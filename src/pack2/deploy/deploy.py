"""Runs the eight steps, one line each; a run that was killed is gone on with by running it again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from pack2.database.connection import connect, exclusive
from pack2.deploy.journal import Journal, StepRecord, alone
from pack2.deploy.model import Outcome, Target
from pack2.deploy.steps import STEPS, Step, attempt

OnStart = Callable[[int, str], None]
"""Told (number from 1, the step's name) before it runs."""
OnStep = Callable[[int, str, Outcome, float], None]
"""Told (number from 1, the step's name, what became of it, seconds)."""


class StepResult(msgspec.Struct, frozen=True):
    number: int
    name: str
    state: str
    text: str
    seconds: float


class Deployment(msgspec.Struct, frozen=True):
    """One run. `resumed_after`: the step during which the run before was killed, or ""."""

    steps: tuple[StepResult, ...]
    resumed_after: str = ""

    @property
    def succeeded(self) -> bool:
        return all(step.state != "failed" for step in self.steps)


def deploy(
    target: Target,
    *,
    on_start: OnStart = lambda _number, _name: None,
    on_step: OnStep = lambda _number, _name, _outcome, _seconds: None,
    steps: Sequence[Step] = STEPS,
) -> Deployment:
    """Run every step of `steps` until one fails. Twice is as once.

    Raises DeploymentRunningError and, where the database is deployed to from elsewhere, BusyError.
    """
    folder = target.services.state.folder
    results: list[StepResult] = []
    with alone(folder), connect(target.database_url) as connection, exclusive(connection, "deploy", 0):
        journal = Journal(folder / "deploy.json")
        stopped_during = journal.stopped_during
        journal.begin()
        try:
            for number, step in enumerate(steps, 1):
                journal.enter(step.name)
                on_start(number, step.name)
                started = time.monotonic()
                outcome = attempt(step.run, target)
                seconds = time.monotonic() - started
                on_step(number, step.name, outcome, seconds)
                results.append(StepResult(number, step.name, outcome.state, outcome.text, seconds))
                journal.record(StepRecord(step.name, outcome.state, outcome.text, seconds))
                if outcome.state == "failed":
                    break
        finally:
            target.stop_application()
        journal.end()
    return Deployment(tuple(results), stopped_during)


def plan(
    target: Target,
    *,
    on_step: OnStep = lambda _number, _name, _outcome, _seconds: None,
    steps: Sequence[Step] = STEPS,
) -> Deployment:
    """Validate the environment and let every other step say what it would do and what is there already;
    nothing is changed.
    """
    results = []
    for number, step in enumerate(steps, 1):
        outcome = attempt(step.run if number == 1 else step.planned, target)
        on_step(number, step.name, outcome, 0.0)
        results.append(StepResult(number, step.name, outcome.state, outcome.text, 0.0))
    return Deployment(tuple(results))
