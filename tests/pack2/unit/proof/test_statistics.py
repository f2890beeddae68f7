"""Percentiles, their changes and their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from pack2.proof import statistics
from pack2.proof.statistics import (
    blocks,
    change_percent,
    grouped_change,
    minimum_samples,
    paired_change,
    ratio_interval,
)


@pytest.fixture(autouse=True)
def _fewer_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "RESAMPLES", 300)


def made(seed: int, scale: float, groups: int = 40, size: int = 25) -> dict[int, np.ndarray]:
    """Log-normal latencies in blocks that share a disturbance each: neighbours are not independent."""
    random = np.random.default_rng(seed)
    return {
        group: scale * random.lognormal(0, 0.5, size) * random.lognormal(0, 0.3) for group in range(groups)
    }


def test_a_change_is_relative_to_before() -> None:
    """From 100 to 25 is minus 75 per cent; to 400 is plus 300."""
    assert change_percent(100, 25) == -75
    assert change_percent(100, 400) == 300


@pytest.mark.parametrize(("q", "needed"), [(50, 20), (95, 200), (99, 1000)])
def test_ten_samples_must_lie_beyond_a_percentile(q: float, needed: int) -> None:
    """A p95 needs 200 samples and a p99 needs 1,000."""
    assert minimum_samples(q) == needed


def test_blocks_hold_neighbours() -> None:
    """Positions 0–9 are one block, 10–19 the next, whatever their order of arrival."""
    found = blocks(np.array([1.0, 2.0, 3.0, 4.0]), np.array([3, 12, 9, 19]), 10)
    assert {key: values.tolist() for key, values in found.items()} == {0: [1.0, 3.0], 1: [2.0, 4.0]}


def test_equal_variants_have_zero_in_the_interval() -> None:
    """A/A: in at least 44 of 50 seeded comparisons of equals the interval contains zero."""
    contained = 0
    for seed in range(50):
        change = paired_change(made(seed, 1.0), made(seed + 1000, 1.0), 95, seed=seed)
        contained += change.interval[0] <= 0 <= change.interval[1]
    assert contained >= 44


def test_the_interval_covers_the_true_change() -> None:
    """A true change of −60 % lies in at least 44 of 50 seeded intervals, and zero in none."""
    covered = excluded = 0
    for seed in range(50):
        change = paired_change(made(seed, 10.0), made(seed + 1000, 4.0), 95, seed=seed)
        covered += change.interval[0] <= -60 <= change.interval[1]
        excluded += change.interval[1] < 0
    assert covered >= 44
    assert excluded == 50


def test_only_blocks_of_both_variants_count() -> None:
    """A block that one variant never answered can not be compared."""
    change = paired_change({1: np.ones(5), 2: np.full(5, 9.0)}, {1: np.ones(5)}, 50)
    assert (change.before, change.after, change.samples) == (1.0, 1.0, 5)


def test_nothing_shared_gives_no_samples() -> None:
    """Without a common block there is no figure, and zero samples say so."""
    assert paired_change({1: np.ones(5)}, {2: np.ones(5)}, 50).samples == 0


def test_the_same_seed_gives_the_same_interval() -> None:
    """A proof can be computed again from its samples."""
    first, second = (paired_change(made(1, 2.0), made(2, 1.0), 95, seed=3) for _ in range(2))
    assert first == second


def test_a_ratio_has_an_interval_around_it() -> None:
    """Nine hits in ten, over forty blocks: the interval holds 90 % and is not wide."""
    random = np.random.default_rng(5)
    low, high = ratio_interval({group: (random.random(50) < 0.9).astype(float) for group in range(40)})
    assert 86 < low < 90 < high < 94


def test_pages_weigh_alike() -> None:
    """The mean of medians does not let one page's outlier or more loads of one page count more."""
    change = grouped_change(
        [np.array([100.0, 100, 900]), np.array([300.0])], [np.array([50.0] * 3), np.array([150.0])]
    )
    assert (change.before, change.after, change.percent) == (200, 100, -50)
