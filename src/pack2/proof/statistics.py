"""Percentiles with honest intervals.

Latencies of neighbouring requests are not independent (a queue, a checkpoint, a cold entry hits several),
so whole
blocks of neighbours are resampled. Both variants send the same sequence, so a block is drawn for both
together.
Source: Künsch, "The jackknife and the bootstrap for general stationary observations" (1989); percentile
intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 2000
MINIMUM_BEHIND = 10
"""Samples that must lie beyond a judged percentile: 200 for a p95, 1,000 for a p99."""


@dataclass(frozen=True)
class Change:
    """A statistic before and after, the change in percent and its 95 % interval."""

    before: float
    after: float
    percent: float
    interval: tuple[float, float]
    samples: int


def minimum_samples(q: float) -> int:
    """Samples needed before the q-th percentile may be judged."""
    return round(MINIMUM_BEHIND / (1 - q / 100))


def change_percent(before: float, after: float) -> float:
    return 100 * (after / before - 1)


def blocks(values: Floats, keys: NDArray[np.int64], length: int) -> dict[int, Floats]:
    """`values` in groups of `length` neighbouring `keys` (positions in the sequence); group number →
    values."""
    groups = keys // length
    return {int(group): values[groups == group] for group in np.unique(groups)}


def paired_change(before: dict[int, Floats], after: dict[int, Floats], q: float, *, seed: int = 1) -> Change:
    """Change of the q-th percentile from `before` to `after`, by resampling the blocks that both have,
    together."""
    shared = sorted(before.keys() & after.keys())
    if not shared:
        nothing = float("nan")
        return Change(nothing, nothing, nothing, (nothing, nothing), 0)
    drawn = np.random.default_rng(seed).multinomial(
        len(shared), np.full(len(shared), 1 / len(shared)), RESAMPLES
    )
    sides = [[side[key] for key in shared] for side in (before, after)]
    low, high = np.percentile(
        100 * (_resampled(sides[1], drawn, q) / _resampled(sides[0], drawn, q) - 1), [2.5, 97.5]
    )
    first, second = (float(np.percentile(np.concatenate(side), q)) for side in sides)
    samples = min(sum(map(len, side)) for side in sides)
    return Change(first, second, change_percent(first, second), (float(low), float(high)), samples)


def _resampled(groups: Sequence[Floats], drawn: NDArray[np.int64], q: float) -> Floats:
    """The q-th percentile of each resample; row r of `drawn` says how often it holds each group."""
    values = np.concatenate(groups)
    owner = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    order = np.argsort(values, kind="stable")
    values, owner = values[order], owner[order]
    found = np.empty(len(drawn))
    for row, counts in enumerate(drawn):
        reached = np.cumsum(counts[owner])
        found[row] = values[np.searchsorted(reached, q / 100 * reached[-1])]
    return found


def ratio_interval(hits: dict[int, Floats], *, seed: int = 1) -> tuple[float, float]:
    """95 % interval in percent of the share of ones in blocks of zeros and ones."""
    sums = np.array([[values.sum(), len(values)] for values in hits.values()])
    random = np.random.default_rng(seed)
    drawn = random.integers(0, len(sums), (RESAMPLES, len(sums)))
    totals = sums[drawn].sum(axis=1)
    low, high = np.percentile(100 * totals[:, 0] / totals[:, 1], [2.5, 97.5])
    return float(low), float(high)


def mean_of_medians(groups: Sequence[Floats]) -> float:
    """The mean over groups (pages) of each group's median."""
    return float(np.mean([np.median(group) for group in groups]))


def grouped_change(before: Sequence[Floats], after: Sequence[Floats], *, seed: int = 1) -> Change:
    """Change of the mean of medians, resampling inside each group (repetitions of one page), variants
    apart."""
    random = np.random.default_rng(seed)

    def drawn(groups: Sequence[Floats]) -> float:
        return mean_of_medians([random.choice(group, len(group)) for group in groups])

    changes = [change_percent(drawn(before), drawn(after)) for _ in range(RESAMPLES)]
    low, high = np.percentile(changes, [2.5, 97.5])
    first, second = mean_of_medians(before), mean_of_medians(after)
    samples = sum(len(group) for group in before)
    return Change(first, second, change_percent(first, second), (float(low), float(high)), samples)
