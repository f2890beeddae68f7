"""Is a later result worse than the baseline? The guide's rules, each asked of an interval, not of a figure.

Rules: response time + 20 %, hit rate - 10 %, errors above the baseline's mean + 2 standard deviations,
processor or memory + 50 %. Runs are resampled whole, because requests of one run are alike; their histograms
are merged, never their percentiles averaged. Runs made at different times differ by up to 15 % without any
cause, so a response time's interval is widened by that. `worse`: the whole interval is beyond the limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from pack2.loadtest.histogram import Histogram, merged, percentiles
from pack2.loadtest.result import RunDigest

Outcome = Literal["fine", "worse", "undecided"]
Floats = NDArray[np.float64]

TIME_LIMIT, HIT_LIMIT, RESOURCE_LIMIT = 20.0, -10.0, 50.0
SIGMAS = 2.0
BETWEEN_SESSIONS = 0.15
Q = 95
FEWEST_BEHIND = 10
RESAMPLES = 500


class Finding(msgspec.Struct, frozen=True):
    """One comparison. `change_percent` and its interval are relative to the baseline; of errors in points."""

    rule: str
    subject: str
    baseline: float
    now: float
    change_percent: float
    interval: tuple[float, float]
    limit_percent: float
    unit: str
    outcome: Outcome


def judged(low: float, high: float, estimate: float, limit: float) -> Outcome:
    """Where more is worse: worse when the whole interval is beyond the limit, fine when the estimate is not.

    An estimate beyond the limit with an interval that reaches back within is undecided: more runs are needed.
    """
    if low > limit:
        return "worse"
    return "undecided" if estimate > limit and high > limit else "fine"


def compare(before: Sequence[RunDigest], now: Sequence[RunDigest], *, seed: int = 1) -> tuple[Finding, ...]:
    """All findings, response times first: as a whole, then by route."""
    random = np.random.default_rng(seed)
    return tuple(
        finding
        for finding in (
            *_times(before, now, random),
            _hits(before, now, random),
            _errors(before, now),
            *_resources(before, now, random),
        )
        if finding is not None
    )


def _times(
    before: Sequence[RunDigest], now: Sequence[RunDigest], random: np.random.Generator
) -> Iterable[Finding | None]:
    shared = sorted(
        name
        for name in set().union(*(run.routes for run in before)) & set().union(*(run.routes for run in now))
        if min(_total(before, name), _total(now, name)) >= FEWEST_BEHIND / (1 - Q / 100)
    )
    yield _time("all API requests", [r.latency for r in before], [r.latency for r in now], 0.05, random)
    yield _time("the database", [r.database for r in before], [r.database for r in now], 0.05, random)
    for name in shared:
        yield _time(name, _of_route(before, name), _of_route(now, name), 0.05 / len(shared), random)


def _of_route(runs: Sequence[RunDigest], name: str) -> list[Histogram]:
    return [run.routes[name] for run in runs if name in run.routes]


def _total(runs: Sequence[RunDigest], name: str) -> int:
    return sum(run.routes[name].total for run in runs if name in run.routes)


def _time(
    subject: str,
    before: Sequence[Histogram],
    now: Sequence[Histogram],
    doubt: float,
    random: np.random.Generator,
) -> Finding | None:
    """`doubt` is shared out over all routes that are asked, so many questions raise no more false alarms."""
    first, second = merged(before).percentile(Q), merged(now).percentile(Q)
    if not (first > 0 and second > 0):
        return None
    ratios = _percentile_draws(now, random) / _percentile_draws(before, random)
    low, high = (float(value) for value in np.quantile(ratios, [doubt / 2, 1 - doubt / 2]))
    interval = (100 * (low / (1 + BETWEEN_SESSIONS) - 1), 100 * (high * (1 + BETWEEN_SESSIONS) - 1))
    change = 100 * (second / first - 1)
    outcome = judged(*interval, change, TIME_LIMIT)
    return Finding("response time p95", subject, first, second, change, interval, TIME_LIMIT, "ms", outcome)


def _percentile_draws(runs: Sequence[Histogram], random: np.random.Generator) -> Floats:
    """The percentile of `RESAMPLES` redraws: runs with replacement, then requests within what they hold."""
    counts = np.array([run.dense() for run in runs])
    chosen = random.multinomial(len(runs), np.full(len(runs), 1 / len(runs)), RESAMPLES)
    held = np.flatnonzero(counts.sum(axis=0))
    sums = chosen @ counts[:, held]
    totals = sums.sum(axis=1)
    dense = np.zeros((RESAMPLES, counts.shape[1]), dtype=np.int64)
    dense[:, held] = random.multinomial(totals, sums / np.maximum(totals, 1)[:, None])
    return percentiles(dense, Q)


def _hits(
    before: Sequence[RunDigest], now: Sequence[RunDigest], random: np.random.Generator
) -> Finding | None:
    if not all(sum(run.cacheable for run in runs) for runs in (before, now)):
        return None
    first, second = (
        sum(run.hits for run in runs) / max(1, sum(run.cacheable for run in runs)) for runs in (before, now)
    )
    if first == 0:
        return None
    low, high = _ratio_interval(before, now, lambda run: (run.hits, run.cacheable), random)
    outcome = judged(-high, -low, -100 * (second / first - 1), -HIT_LIMIT)
    change = 100 * (second / first - 1)
    return Finding("hit rate", "all", 100 * first, 100 * second, change, (low, high), HIT_LIMIT, "%", outcome)


def _ratio_interval(
    before: Sequence[RunDigest],
    now: Sequence[RunDigest],
    parts: Callable[[RunDigest], tuple[float, float]],
    random: np.random.Generator,
) -> tuple[float, float]:
    """95 % interval of the change of a ratio in percent, runs resampled; `parts` are a run's share of it."""

    def draws(runs: Sequence[RunDigest]) -> Floats:
        chosen = random.integers(0, len(runs), (RESAMPLES, len(runs)))
        above, below = np.array([parts(run) for run in runs], dtype=np.float64)[chosen].sum(axis=1).T
        return np.asarray(above / np.maximum(below, 1))

    changes = 100 * (draws(now) / np.maximum(draws(before), 1e-12) - 1)
    low, high = np.quantile(changes, [0.025, 0.975])
    return float(low), float(high)


def _errors(before: Sequence[RunDigest], now: Sequence[RunDigest]) -> Finding | None:
    """The least that the error rate may be now, against the baseline's mean + 2 standard deviations."""
    requests, failed = sum(run.requests for run in now), sum(run.failed for run in now)
    if not requests or not sum(run.requests for run in before):
        return None
    rates = [run.failed / run.requests for run in before if run.requests]
    mean = sum(run.failed for run in before) / sum(run.requests for run in before)
    limit = mean + SIGMAS * max(float(np.std(rates)), (mean * (1 - mean) / requests) ** 0.5)
    low, high = wilson(failed, requests)
    rate = failed / requests
    return Finding(
        "errors", "all", 100 * mean, 100 * rate, 100 * (rate - mean),
        (100 * (low - mean), 100 * (high - mean)), 100 * (limit - mean), "%", judged(low, high, rate, limit),
    )  # fmt: skip


def wilson(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Wilson 1927)."""
    share = successes / trials
    spread = z * ((share * (1 - share) + z * z / (4 * trials)) / trials) ** 0.5
    middle = share + z * z / (2 * trials)
    scale = 1 + z * z / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def _resources(
    before: Sequence[RunDigest], now: Sequence[RunDigest], random: np.random.Generator
) -> Iterable[Finding | None]:
    yield _resource(
        "processor", "servers, a request", "ms", "server_cpu_ms_per_request", 1.0, before, now, random
    )
    megabyte = 1024.0 * 1024
    yield _resource("memory", "the application", "MB", "server_memory_bytes", megabyte, before, now, random)


def _resource(
    rule: str,
    subject: str,
    unit: str,
    name: str,
    scale: float,
    before: Sequence[RunDigest],
    now: Sequence[RunDigest],
    random: np.random.Generator,
) -> Finding | None:
    def mean(runs: Sequence[RunDigest]) -> float:
        return float(np.mean([getattr(run, name) for run in runs])) / scale

    if any(getattr(run, name) is None for run in (*before, *now)):
        return None
    first, second = mean(before), mean(now)
    if first <= 0:
        return None
    low, high = _ratio_interval(before, now, lambda run: (getattr(run, name), 1), random)
    change = 100 * (second / first - 1)
    outcome = judged(low, high, change, RESOURCE_LIMIT)
    return Finding(rule, subject, first, second, change, (low, high), RESOURCE_LIMIT, unit, outcome)
