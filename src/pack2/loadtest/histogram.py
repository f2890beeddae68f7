"""Latencies as counts in fixed buckets, so that runs can be merged: percentiles of percentiles are nonsense.

Edges grow by 4 % and the guide's targets are edges themselves, so a share below a target is exact.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TARGETS_MS = (10.0, 50.0, 100.0, 500.0, 1000.0)
_GROWTH = 1.04
_LOWEST_MS, _HIGHEST_MS = 0.02, 120_000.0


def _edges() -> Floats:
    count = int(np.ceil(np.log(_HIGHEST_MS / _LOWEST_MS) / np.log(_GROWTH)))
    grown = _LOWEST_MS * _GROWTH ** np.arange(count + 1)
    near = np.min(np.abs(grown[:, None] / np.array(TARGETS_MS) - 1), axis=1) < (_GROWTH - 1) / 2
    return np.sort(np.concatenate([grown[~near], TARGETS_MS]))


EDGES_MS = _edges()
BUCKETS = len(EDGES_MS) + 1
"""Bucket k holds values in (edge k-1, edge k]; the last one all above."""


class Histogram(msgspec.Struct, frozen=True, array_like=True):
    """Buckets that hold something, in order, and how much."""

    buckets: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()

    @property
    def total(self) -> int:
        return sum(self.counts)

    def dense(self) -> NDArray[np.int64]:
        """Counts of all buckets."""
        counts = np.zeros(BUCKETS, dtype=np.int64)
        counts[list(self.buckets)] = self.counts
        return counts

    def percentile(self, q: float) -> float:
        """The q-th percentile in ms, NaN of nothing."""
        return float(percentiles(self.dense()[None, :], q)[0])


def histogram(values_ms: Floats) -> Histogram:
    """`values_ms` counted."""
    return _sparse(np.bincount(np.searchsorted(EDGES_MS, values_ms), minlength=BUCKETS))


def merged(parts: Iterable[Histogram]) -> Histogram:
    """What one histogram of all the parts' values would be."""
    total = np.zeros(BUCKETS, dtype=np.int64)
    for part in parts:
        total += part.dense()
    return _sparse(total)


def _sparse(counts: NDArray[np.int64]) -> Histogram:
    held = np.flatnonzero(counts)
    return Histogram(tuple(int(one) for one in held), tuple(int(counts[one]) for one in held))


def percentiles(rows: NDArray[np.int64], q: float) -> Floats:
    """The q-th percentile of each row of counts, interpolated in its bucket on a logarithmic scale."""
    reached = np.cumsum(rows, axis=1)
    totals = reached[:, -1]
    wanted = q / 100 * totals
    bucket = np.minimum((reached < wanted[:, None]).sum(axis=1), len(EDGES_MS) - 1)
    bucket = np.maximum(bucket, 1)
    places = np.arange(len(rows))
    below = reached[places, bucket - 1]
    inside = np.maximum(rows[places, bucket], 1)
    share = np.clip((wanted - below) / inside, 0, 1)
    low, high = EDGES_MS[bucket - 1], EDGES_MS[bucket]
    found = low * (high / low) ** share
    return np.where(totals > 0, found, np.nan)
