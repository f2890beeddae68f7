"""Pass, fail or invalid: the rules alone, so that each can be shown to bite.

A run is invalid when it may not be believed, whatever its figures. Other processes that take CPU only slow a
run down: they make a failure doubtful and leave a pass what it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from pack2.loadtest.result import Outcome, ThresholdRow

DROPPED_RATIO = 0.001
GENERATOR_CPU_RATIO = 0.70
OTHERS_CPU_RATIO = 0.15


class Conduct(msgspec.Struct, frozen=True):
    """How one k6 run went; ratios are parts of all arrivals or of one core. None: not watched."""

    label: str
    dropped_ratio: float = 0.0
    generator_cpu_ratio: float = 0.0
    others_cpu_ratio: float | None = None
    is_search: bool = False


class Judgement(msgspec.Struct, frozen=True):
    verdict: Outcome
    invalid_reasons: tuple[str, ...]
    fail_reasons: tuple[str, ...]
    notes: tuple[str, ...]


def judge(
    thresholds: Sequence[ThresholdRow],
    conduct: Sequence[Conduct],
    *,
    observed: Sequence[str] = (),
    failures: Sequence[str] = (),
) -> Judgement:
    """The verdict; `observed` are reasons for invalid that only the runner sees, `failures` for fail."""
    judged = [row for row in thresholds if row.is_judged]
    failed = (*failures, *_missed(judged))
    contested = list(_contested(conduct))
    invalid = (
        *observed,
        *_unsound(conduct),
        *_thin(judged),
        *(contested if failed else ()),
    )
    notes = () if failed else tuple(contested)
    verdict: Outcome = "invalid" if invalid else "fail" if failed else "pass"
    return Judgement(verdict, tuple(invalid), tuple(failed), notes)


def _missed(rows: Iterable[ThresholdRow]) -> Iterable[str]:
    for row in rows:
        if row.value is not None and not row.is_met:
            wanted = f"{'<' if row.is_upper else '>'} {row.limit:g} {row.unit}"
            yield f"{row.name} is {row.value:.4g} {row.unit}; {wanted} is asked"


def _thin(rows: Iterable[ThresholdRow]) -> Iterable[str]:
    for row in rows:
        if row.samples == 0:
            yield f"the threshold on {row.name} matched no sample"
        elif row.samples < row.minimum_samples:
            yield f"{row.name} stands on {row.samples} samples; {row.minimum_samples} are needed"


def _unsound(conduct: Iterable[Conduct]) -> Iterable[str]:
    for one in conduct:
        if one.is_search:
            continue
        if one.dropped_ratio > DROPPED_RATIO:
            yield f"{one.label}: {100 * one.dropped_ratio:.2f} % of the arrivals were dropped (0.1 % allowed)"
        if one.generator_cpu_ratio > GENERATOR_CPU_RATIO:
            used = 100 * one.generator_cpu_ratio
            yield f"{one.label}: the generator used {used:.0f} % of its core (70 % allowed)"


def _contested(conduct: Iterable[Conduct]) -> Iterable[str]:
    for one in conduct:
        if one.others_cpu_ratio is not None and one.others_cpu_ratio > OTHERS_CPU_RATIO:
            taken = 100 * one.others_cpu_ratio
            yield f"{one.label}: other processes took {taken:.0f} % of a core (15 % allowed)"
