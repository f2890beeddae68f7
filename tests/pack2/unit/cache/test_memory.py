"""The memory tier: what it keeps, and within which budget."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pack2.cache.memory import ENTRY_OVERHEAD_BYTES, Entry, Memory

KEYS = 20_000
REQUESTS = 160_000
ENTRY_BYTES = 100 + ENTRY_OVERHEAD_BYTES


def entry(size_bytes: int = 100) -> Entry:
    return Entry(None, size_bytes, (), stored_at=0, fresh_until=1, stale_until=1)


def zipf(seed: int, exponent: float = 1.0) -> np.ndarray:
    """REQUESTS draws from KEYS keys, the k-th as likely as 1 / k^exponent."""
    weights = 1 / np.arange(1, KEYS + 1) ** exponent
    return np.random.default_rng(seed).choice(KEYS, size=REQUESTS, p=weights / weights.sum())


def scan_polluted(seed: int) -> np.ndarray:
    """Zipf(1) in which three of ten requests are a scan: keys that come once and never again."""
    is_scan = np.random.default_rng(seed + 1).random(REQUESTS) < 0.3
    return np.where(is_scan, KEYS + np.arange(REQUESTS), zipf(seed))


def shifting(seed: int) -> np.ndarray:
    """Zipf(1) whose ranking moves on by a key a thousand requests: what was hot cools, slowly."""
    return (zipf(seed) + np.arange(REQUESTS) // 1000) % KEYS


def hit_ratio(trace: Sequence[int], capacity: int) -> float:
    """The second half of the trace, after the first has filled the cache."""
    memory, hits, half = Memory(capacity * ENTRY_BYTES), 0, len(trace) // 2
    for number, key in enumerate(trace):
        if memory.get(key) is None:
            memory.put(key, entry())
        elif number >= half:
            hits += 1
    return hits / (len(trace) - half)


def lru_hit_ratio(trace: Sequence[int], capacity: int) -> float:
    kept: OrderedDict[int, None] = OrderedDict()
    hits, half = 0, len(trace) // 2
    for number, key in enumerate(trace):
        if key in kept:
            kept.move_to_end(key)
            hits += number >= half
        else:
            kept[key] = None
            if len(kept) > capacity:
                kept.popitem(last=False)
    return hits / (len(trace) - half)


@pytest.mark.parametrize(
    ("make", "target"),
    [(zipf, 0.75), (scan_polluted, 0.51), (shifting, 0.75)],
    ids=["zipf", "scan", "shifting"],
)
def test_hit_ratio_at_a_tenth_of_the_keys(make: object, target: float) -> None:
    """With room for a tenth of the keys it hits as often as DESIGN asks, and clearly more often than LRU."""
    trace = make(7).tolist()  # type: ignore[operator]
    ratio = hit_ratio(trace, KEYS // 10)
    print(f"{ratio:.4f}")
    assert ratio >= target
    assert ratio > lru_hit_ratio(trace, KEYS // 10) + 0.03


@pytest.mark.parametrize("size_bytes", [10 * ENTRY_BYTES + 1, 100 * ENTRY_BYTES])
def test_an_entry_larger_than_the_budget_is_not_kept(size_bytes: int) -> None:
    """One huge answer does not empty the cache."""
    memory = Memory(10 * ENTRY_BYTES)
    memory.put("small", entry())
    memory.put("huge", entry(size_bytes))
    assert memory.get("huge") is None
    assert memory.get("small") is not None


def test_a_larger_replacement_that_does_not_fit_removes_the_old() -> None:
    """After a put the old value is never found again."""
    memory = Memory(10 * ENTRY_BYTES)
    memory.put("key", entry())
    memory.put("key", entry(100 * ENTRY_BYTES))
    assert memory.get("key") is None
    assert memory.size_bytes == 0


operations = st.lists(
    st.tuples(st.sampled_from(["get", "put", "delete"]), st.integers(0, 30), st.integers(0, 2000)),
    max_size=300,
)


@given(operations)
def test_the_budget_holds_and_values_are_the_last_put(steps: list[tuple[str, int, int]]) -> None:
    """Whatever is done, the size stays in the budget, is the sum of its entries, and a hit is the last
    value put.
    """
    memory = Memory(12 * ENTRY_BYTES)
    last: dict[int, Entry] = {}
    for action, key, size in steps:
        if action == "put":
            last[key] = entry(size)
            memory.put(key, last[key])
        elif action == "delete":
            memory.delete(key)
            last.pop(key, None)
        found = memory.get(key)
        assert found is None or found is last[key]
        assert memory.size_bytes <= memory.budget_bytes
    kept = [found for key in range(31) if (found := memory.get(key)) is not None]
    assert sum(found.size_bytes for found in kept) == memory.size_bytes
    assert len(kept) == len(memory)


def test_replacing_for_ever_does_not_grow_the_queues() -> None:
    """The places of replaced entries are given back, though nothing is evicted."""
    memory = Memory(1000 * ENTRY_BYTES)
    for _ in range(10_000):
        memory.put("key", entry())
    assert len(memory._small) + len(memory._main) < 200


def test_what_was_forgotten_is_remembered_within_the_budget() -> None:
    """The keys of evicted entries count with the bytes that they had, and not after their return."""
    memory = Memory(10 * ENTRY_BYTES)
    for key in [*range(40), *range(35), *range(20, 40)]:
        memory.put(key, entry())
        assert memory._ghost_bytes == sum(memory._ghosts.values()) <= memory.budget_bytes


@pytest.mark.parametrize(("is_ahead", "uses"), [(False, 2), (True, 0)])
def test_a_replacement_that_nobody_asked_for_begins_without_uses(is_ahead: bool, uses: int) -> None:
    """Loading ahead keeps nothing in the cache that is no longer read."""
    memory = Memory(10 * ENTRY_BYTES)
    memory.put("key", entry())
    for _ in range(2):
        memory.get("key")
    replacement = entry()
    replacement.is_ahead = is_ahead
    memory.put("key", replacement)
    assert replacement.uses == uses


@pytest.mark.parametrize("is_ahead", [False, True])
def test_reads_of_former_lives_count_half(is_ahead: bool) -> None:
    """The first reader, two more, then one of the next life."""
    memory = Memory(10 * ENTRY_BYTES)
    memory.put("key", entry())
    for _ in range(2):
        memory.get("key")
    replacement = entry()
    replacement.is_ahead = is_ahead
    memory.put("key", replacement)
    assert replacement.reads == 1.5
    memory.get("key")
    assert replacement.reads == 2.5
