"""Pass, fail or invalid: the rules alone, so that each can be shown to bite.

Pass needs more than a good estimate: the unfavourable end of the 95 % interval must reach the target. A
sound run that
does not reach a target fails; a run that may not be believed is invalid, whatever its figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from pack2.proof.model import Metric, Outcome, SliceHealth

DROPPED_RATIO = 0.001
GENERATOR_CPU_RATIO = 0.70
ERROR_RATIO = 0.01
OTHERS_CPU_RATIO = 0.15
DISCARDED_SHARE = 1 / 3
HIT_RATE_PER_SECOND = 200.0
WRITE_SHARE_PERCENT = 2.0
SEARCHES = {"estimate", "capacity"}
"""Phases that look for the load at which the application gives way: failing there is what is looked for."""


class Evidence(msgspec.Struct, frozen=True):
    """What the runner observed besides the figures; empty means nothing was wrong."""

    slices: Sequence[SliceHealth] = ()
    minimum_samples: Mapping[str, int] = {}
    empty_thresholds: Sequence[str] = ()
    routes_without_samples: Sequence[str] = ()
    servers_died: Sequence[str] = ()
    different_answers: Sequence[str] = ()
    pages_not_painted: Sequence[str] = ()
    missing_metrics: Sequence[str] = ()
    hit_rate_per_second: float | None = None
    write_share_percent: float | None = None
    untuned_load_ratio: float | None = None


class Judgement(msgspec.Struct, frozen=True):
    verdict: Outcome
    invalid_reasons: tuple[str, ...]
    fail_reasons: tuple[str, ...]


def judge(metrics: Mapping[str, Metric], evidence: Evidence) -> Judgement:
    """The verdict over `metrics`; every reason is one sentence with its figures."""
    invalid = tuple(_invalid(metrics, evidence))
    failed = tuple(_missed(metrics))
    verdict: Outcome = "invalid" if invalid else "fail" if failed else "pass"
    return Judgement(verdict, invalid, failed)


def reaches(metric: Metric) -> bool:
    """True where the whole interval lies at or beyond the target; a target below zero is a reduction."""
    if metric.target_percent is None:
        return True
    bound = metric.ci95_percent[1 if metric.target_percent < 0 else 0]
    if bound is None:
        return False
    return bound <= metric.target_percent if metric.target_percent < 0 else bound >= metric.target_percent


def is_contested(others_cpu_ratio: float) -> bool:
    """Other processes took more than the allowed part of one core during a slice."""
    return others_cpu_ratio > OTHERS_CPU_RATIO


def _missed(metrics: Mapping[str, Metric]) -> Iterable[str]:
    for name, metric in metrics.items():
        if metric.judged and not reaches(metric):
            low, high = (("?" if bound is None else f"{bound:.1f}") for bound in metric.ci95_percent)
            yield (
                f"{name} changed by {metric.change_percent:.1f} % (95 % interval {low} to {high});"
                f" the target is {metric.target_percent:g} % for the whole interval"
            )


def _invalid(metrics: Mapping[str, Metric], evidence: Evidence) -> Iterable[str]:
    yield from (f"{what} ended while it was measured" for what in evidence.servers_died)
    yield from (f"the variants answer differently: {what}" for what in evidence.different_answers)
    yield from (f"a page was not painted: {what}" for what in evidence.pages_not_painted)
    yield from (f"no figure for {name}" for name in evidence.missing_metrics)
    yield from (f"the threshold on {name} matched no sample" for name in evidence.empty_thresholds)
    yield from (f"no sample of {name} in the latency slices" for name in evidence.routes_without_samples)
    yield from _few_samples(metrics, evidence.minimum_samples)
    kept = [one for one in evidence.slices if not one.discarded and one.phase not in SEARCHES]
    yield from _unsound_slices(kept)
    yield from _failing(kept)
    yield from _contested(evidence.slices)
    yield from _wrong_load(evidence)


def _few_samples(metrics: Mapping[str, Metric], minimum: Mapping[str, int]) -> Iterable[str]:
    for name, needed in minimum.items():
        if name in metrics and metrics[name].samples < needed:
            yield f"{name} stands on {metrics[name].samples} samples; {needed} are needed"


def _unsound_slices(slices: Sequence[SliceHealth]) -> Iterable[str]:
    for one in slices:
        if one.dropped_ratio > DROPPED_RATIO:
            yield f"{one.label}: {100 * one.dropped_ratio:.2f} % of the arrivals were dropped (0.1 % allowed)"
        if one.generator_cpu_ratio > GENERATOR_CPU_RATIO:
            used = 100 * one.generator_cpu_ratio
            yield f"{one.label}: the generator used {used:.0f} % of its core (70 % allowed)"


def _failing(slices: Sequence[SliceHealth]) -> Iterable[str]:
    """Over all slices of a phase and variant, as its figure is: one request of a slow slice's 45 is 2 %."""
    for phase, variant in dict.fromkeys((one.phase, one.variant) for one in slices):
        together = [one for one in slices if (one.phase, one.variant) == (phase, variant)]
        failed = sum(one.error_ratio * max(1, one.requests) for one in together)
        ratio = failed / max(1, sum(one.requests for one in together))
        if ratio > ERROR_RATIO:
            yield f"{phase} {variant}: {100 * ratio:.1f} % of the requests failed (1 % allowed)"


def _contested(slices: Sequence[SliceHealth]) -> Iterable[str]:
    contested = [one for one in slices if is_contested(one.others_cpu_ratio)]
    kept = [one for one in contested if not one.discarded and one.phase not in SEARCHES]
    if kept or len(contested) > DISCARDED_SHARE * len(slices):
        worst = max(one.others_cpu_ratio for one in contested)
        yield (
            f"{len(contested)} of {len(slices)} slices were contested: other processes used up to"
            f" {100 * worst:.0f} % of a core ({100 * OTHERS_CPU_RATIO:.0f} % allowed)"
        )


def _wrong_load(evidence: Evidence) -> Iterable[str]:
    if evidence.untuned_load_ratio is not None and evidence.untuned_load_ratio > 0.6 + 1e-9:
        share = 100 * evidence.untuned_load_ratio
        yield f"latency was measured at {share:.0f} % of the untuned capacity (60 % allowed)"
    if evidence.hit_rate_per_second is not None and evidence.hit_rate_per_second < HIT_RATE_PER_SECOND:
        yield f"the hit rate was measured at {evidence.hit_rate_per_second:.0f} requests/s; 200/s are needed"
    if evidence.write_share_percent is not None and evidence.write_share_percent < WRITE_SHARE_PERCENT:
        yield f"writes were {evidence.write_share_percent:.1f} % of the requests; 2 % are needed"
