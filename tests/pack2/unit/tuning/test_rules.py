"""Each rule for servers and indexes: silent within its bound, clear beyond it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pack2.database.index_usage import IndexUsage
from pack2.tuning.database import superfluous
from pack2.tuning.servers import postgres_rules, redis_rules, worker_rules

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FINE = {
    "hit": 999_999,
    "read": 1,
    "temp_files": 0,
    "temp_bytes": 0,
    "database_bytes": 2**30,
    "buffers_bytes": 2**27,
    "work_mem_bytes": 2**22,
    "most_connections": 100,
    "connections": 10,
    "wal_megabytes": 1024,
    "timed": 100,
    "requested": 3,
}


def index(*flags: str, size_bytes: int = 10_000_000, is_constraint: bool = False) -> IndexUsage:
    return IndexUsage("public.idx_a", "a", 0, 0, size_bytes, None, is_constraint, flags)


def test_an_index_unused_for_a_week_may_go() -> None:
    """Two days of statistics say nothing; a week does."""
    assert superfluous([index("never used")], NOW - timedelta(days=2), NOW) == ()
    (found,) = superfluous([index("never used")], NOW - timedelta(days=8), NOW)
    assert found.command == "DROP INDEX CONCURRENTLY public.idx_a;"
    assert "8 days" in found.evidence


def test_a_duplicate_may_go_at_once() -> None:
    """Another index does its work already."""
    (found,) = superfluous([index("prefix of public.idx_b")], None, NOW)
    assert "prefix of public.idx_b" in found.evidence


def test_constraints_and_small_indexes_stay() -> None:
    """What keeps the data right is never advised away, and a few pages cost nobody anything."""
    old = NOW - timedelta(days=30)
    assert superfluous([index("never used", is_constraint=True)], old, NOW) == ()
    assert superfluous([index("never used", size_bytes=50_000)], old, NOW) == ()
    assert superfluous([index()], old, NOW) == ()


def test_a_server_within_its_bounds_is_left_alone() -> None:
    """No rule speaks."""
    assert postgres_rules(**FINE) == []


@pytest.mark.parametrize(
    ("changed", "subject", "word"),
    [
        ({"hit": 900_000, "read": 100_000}, "shared_buffers", "90.0%"),
        ({"temp_files": 4, "temp_bytes": 4 * 2**25}, "work_mem", "4 temporary files of 32 MB"),
        ({"connections": 90}, "connections", "90 of 100"),
        ({"timed": 5, "requested": 50}, "max_wal_size", "50 requested"),
    ],
)
def test_each_bound_has_its_rule(changed: dict[str, int], subject: str, word: str) -> None:
    """Beyond one bound exactly its rule speaks, with the figure."""
    (found,) = postgres_rules(**{**FINE, **changed})
    assert found.subject == subject
    assert word in found.evidence


def test_a_database_that_fits_needs_no_more_memory() -> None:
    """A low hit ratio after a start is no reason where everything fits already."""
    assert postgres_rules(**{**FINE, "hit": 500_000, "read": 500_000, "database_bytes": 2**20}) == []


@pytest.mark.parametrize(
    ("info", "subjects"),
    [
        ({"maxmemory": 0, "used_memory": 5}, ["maxmemory"]),
        ({"maxmemory": 100, "maxmemory_policy": "allkeys-lru", "evicted_keys": 0}, []),
        ({"maxmemory": 100, "maxmemory_policy": "noeviction"}, ["maxmemory-policy"]),
        ({"maxmemory": 100, "maxmemory_policy": "allkeys-lru", "evicted_keys": 7}, ["maxmemory"]),
    ],
)
def test_redis_is_bounded_and_may_evict(info: dict[str, object], subjects: list[str]) -> None:
    """Unbounded, refusing, and too small: each has its line."""
    assert [one.subject for one in redis_rules(info)] == subjects


@pytest.mark.parametrize(("workers", "is_said"), [(0, False), (1, True), (4, False), (8, False), (9, True)])
def test_one_process_a_core_is_enough(workers: int, is_said: bool) -> None:
    """Fewer leave cores idle, more than two a core wait; where none runs there is nothing to say."""
    found = worker_rules(workers, 4)
    assert bool(found) == is_said
    for one in found:
        assert one.command.startswith("--workers 4")
        assert f"{workers} processes" in one.evidence
