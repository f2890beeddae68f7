"""Latencies as counts: merging runs, and percentiles from what is merged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pack2.loadtest.histogram import EDGES_MS, TARGETS_MS, Histogram, histogram, merged

MILLISECONDS = st.lists(st.floats(0.05, 60_000), min_size=1, max_size=200)


def test_the_guides_targets_are_edges() -> None:
    """A share below a target is exact, and no bucket is wider than about 6 %."""
    assert set(TARGETS_MS) <= set(EDGES_MS.tolist())
    widths = EDGES_MS[1:] / EDGES_MS[:-1]
    assert float(widths.min()) > 1.01
    assert float(widths.max()) < 1.065


@given(MILLISECONDS, MILLISECONDS)
def test_merging_is_counting_both(first: list[float], second: list[float]) -> None:
    """The histogram of two runs is the histogram of all their requests, in either order."""
    both = histogram(np.array(first + second))
    parts = [histogram(np.array(first)), histogram(np.array(second))]
    assert merged(parts) == both
    assert merged(reversed(parts)) == both
    assert both.total == len(first) + len(second)


@given(MILLISECONDS, st.sampled_from([50, 95, 99]))
def test_a_percentile_is_within_a_bucket_of_the_true_one(values: list[float], q: int) -> None:
    """At most 6.5 % away from the value of that rank."""
    exact = float(np.percentile(values, q, method="inverted_cdf"))
    assert histogram(np.array(values)).percentile(q) == pytest.approx(exact, rel=0.065)


def test_percentiles_are_not_averaged() -> None:
    """One slow run in ten moves p95 to where its requests are; an average of percentiles would not."""
    fast, slow = histogram(np.full(900, 10.0)), histogram(np.full(100, 1000.0))
    assert merged([fast, slow]).percentile(95) > 900
    assert merged([fast, slow]).percentile(50) < 11


def test_nothing_has_no_percentile() -> None:
    """A run without samples gives no figure instead of zero."""
    assert np.isnan(Histogram().percentile(95))
    assert merged([]) == Histogram()


def test_a_value_beyond_all_edges_counts() -> None:
    """A request of minutes is not lost."""
    assert histogram(np.array([1e7])).total == 1
