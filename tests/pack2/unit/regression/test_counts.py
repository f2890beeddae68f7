"""Counts are compared without any clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pack2.loadtest.result import RouteCount
from pack2.regression.counts import EXACT, compare_counts, missing_routes


def route(name: str = "GET /a", **values: int) -> RouteCount:
    counts = dict.fromkeys(
        ("queries", "rows", "buffers", "redis_commands", "queries_again", "redis_commands_again"), 100
    )
    return RouteCount(name, **(counts | values))


@given(st.integers(0, 10_000))
def test_equal_counts_are_no_change(value: int) -> None:
    """The same build on the same data."""
    assert compare_counts([route(queries=value)], [route(queries=value)]) == ()


@pytest.mark.parametrize("count", EXACT)
@pytest.mark.parametrize(("now", "outcome"), [(101, "worse"), (99, "better")])
def test_one_more_query_is_worse(count: str, now: int, outcome: str) -> None:
    """Queries and Redis commands are exact: a single one more is found."""
    (change,) = compare_counts([route()], [route(**{count: now})])
    assert (change.route, change.count, change.baseline, change.now, change.outcome) == (
        "GET /a", count, 100, now, outcome,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "now", "outcome"),
    [(100, 105, "slightly"), (100, 111, "worse"), (3, 9, "slightly"), (3, 30, "worse"), (1000, 90, "better")],
)
@pytest.mark.parametrize("count", ["rows", "buffers"])
def test_rows_and_buffers_may_move_with_the_clock(count: str, old: int, now: int, outcome: str) -> None:
    """More than a tenth and more than ten: an index that is gone shows, an hour that passed does not."""
    (change,) = compare_counts([route(**{count: old})], [route(**{count: now})])
    assert change.outcome == outcome


def test_the_worst_come_first() -> None:
    """A reader sees at once what to mend."""
    before = [route("GET /a"), route("GET /b"), route("GET /c")]
    now = [route("GET /a", queries=90), route("GET /b", rows=101), route("GET /c", queries=200)]
    assert [change.outcome for change in compare_counts(before, now)] == ["worse", "better", "slightly"]


def test_a_new_route_is_no_regression_and_a_missing_one_is_told() -> None:
    """What the baseline does not know can not be worse; what is not asked any more is said."""
    assert compare_counts([route("GET /a")], [route("GET /b", queries=900)]) == ()
    assert missing_routes([route("GET /a")], [route("GET /b")]) == ("GET /a",)
    assert missing_routes([route("GET /a")], []) == ()
