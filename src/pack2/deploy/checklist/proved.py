"""What a proof says: before and after side by side, on a machine like this one, and no invalid one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from pack2.deploy.checklist.model import Deployed
from pack2.deploy.model import Outcome, done, failed, skipped
from pack2.proof.model import Metric, Proof, SliceHealth
from pack2.regression.baseline import fingerprint

_MACHINE: Final = ("cpu_model", "cores", "memory_bytes")
MAKE_ONE: Final = "Make one: `pack2 prove`"

Advice = Callable[[Deployed], str]


def elsewhere(theirs: Mapping[str, str], ours: Mapping[str, str]) -> str:
    """How the machine of a stored value differs from this one; "" where it does not."""
    return "; ".join(
        f"{name.replace('_', ' ')} {theirs.get(name)}, here {ours.get(name)}"
        for name in _MACHINE
        if theirs.get(name) != ours.get(name)
    )


def proved(
    name: str,
    unit: str,
    *,
    otherwise: Advice,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Callable[[Deployed], Outcome]:
    """Whether the metric `name` changed by `at_most` (or `at_least`) percent, its whole interval."""

    def ask(deployed: Deployed) -> Outcome:
        path, proof, why = usable(deployed)
        if proof is None:
            return skipped(f"{why}. {otherwise(deployed)}")
        if name not in proof.metrics:
            return skipped(f"{path} holds no {name}. {MAKE_ONE}")
        return changed(proof.metrics[name], unit, f"by {path}", at_most=at_most, at_least=at_least)

    return ask


def changed(
    metric: Metric, unit: str, source: str, *, at_most: float | None = None, at_least: float | None = None
) -> Outcome:
    """Done where the whole interval of the change is within the bound, failed where the change is not."""
    low, high = metric.ci95_percent
    change = metric.change_percent
    said = f"{metric.before:.4g} → {metric.after:.4g} {unit}, {change:+.0f} % {source}"
    if at_most is not None:
        asked, holds, surely = at_most, change <= at_most, high is not None and high <= at_most
    else:
        asked = at_least or 0.0
        holds, surely = change >= asked, low is not None and low >= asked
    if surely:
        return done(said)
    if holds:
        return skipped(f"{said}: its interval does not decide {asked:+.0f} %. {MAKE_ONE} again")
    return failed(f"{said}; {asked:+.0f} % is asked. `pack2 recommend` says what may help")


def errors_proved(otherwise: Advice) -> Callable[[Deployed], Outcome]:
    """The share of requests that failed in the slices of a proof, untuned and tuned."""

    def ask(deployed: Deployed) -> Outcome:
        path, proof, why = usable(deployed)
        if proof is None:
            return skipped(f"{why}. {otherwise(deployed)}")
        before, after = (_failed(proof.slices, variant) for variant in ("before", "after"))
        said = f"{100 * before.ratio:.2g} → {100 * after.ratio:.2g} % of the requests by {path}"
        if after.ratio <= before.ratio:
            return done(said)
        if after.surely_above(before):
            return failed(f"{said}. See docs/runbooks/api-5xx.md")
        return skipped(f"{said}: not decided. {MAKE_ONE} again")

    return ask


def usable(deployed: Deployed) -> tuple[Path | None, Proof | None, str]:
    """The proof's path, the proof, and why there is none that could be used."""
    if deployed.proof is None:
        return None, None, "nothing of the time before Pack 2 was stored, and there is no proof"
    path, proof = deployed.proof
    if proof.verdict == "invalid":
        return path, None, f"{path} is invalid: {'; '.join(proof.invalid_reasons)[:200]}"
    if wrong := elsewhere(fingerprint(proof.environment), deployed.machine):
        return path, None, f"{path} was made on another machine: {wrong}"
    return path, proof, ""


class _Failed(msgspec.Struct, frozen=True):
    failures: float
    requests: int

    @property
    def ratio(self) -> float:
        return self.failures / max(1, self.requests)

    def surely_above(self, other: _Failed) -> bool:
        """Whether the 95 % interval of the difference (Agresti and Caffo 2000) is above zero."""
        mine, theirs = ((one.failures + 1) / (one.requests + 2) for one in (self, other))
        variance = mine * (1 - mine) / (self.requests + 2) + theirs * (1 - theirs) / (other.requests + 2)
        return mine - theirs > 1.96 * math.sqrt(variance)


def _failed(slices: tuple[SliceHealth, ...], variant: str) -> _Failed:
    kept = [one for one in slices if one.variant == variant and not one.discarded]
    failures = sum(one.error_ratio * one.requests for one in kept)
    return _Failed(failures, sum(one.requests for one in kept))
