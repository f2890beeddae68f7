"""What bounds the age of an answer: a tag that is announced, or the time-to-live alone."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pack2.config import CacheSection, FeedTable, HttpPolicy, load_config
from pack2.tuning.policies import MOST_TTL_SECONDS, announced_shapes, of_policies, shape_of, ttl_for

FEED = CacheSection(
    feed=(
        FeedTable("portfolios", tags=("portfolio:{id}",)),
        FeedTable("trades", tags=("trades",), tags_sql="SELECT 'user:' || owner FROM changed"),
    )
)


def policy(route: str, *tags: str) -> HttpPolicy:
    return HttpPolicy(route=route, scope="public", ttl_seconds=60, tags=tags)


@given(st.floats(1e-3, 0.04), st.floats(0.001, 0.9))
def test_the_time_to_live_meets_its_budget(rate: float, probability: float) -> None:
    """After that time exactly the budgeted share of entries is old, by the Poisson process."""
    ttl = ttl_for(rate, probability)
    if 1.0 < ttl < MOST_TTL_SECONDS:
        assert 1 - math.exp(-rate * ttl) == pytest.approx(probability)


def test_what_never_changes_lives_longest() -> None:
    """A rate of nothing, or an absurd one, stays within the bounds."""
    assert ttl_for(0) == MOST_TTL_SECONDS
    assert ttl_for(1e9) == 1.0


def test_tags_are_compared_by_kind() -> None:
    """The names of parameters differ between the feed and a route."""
    assert shape_of("portfolio:{portfolio_id}") == shape_of("portfolio:{id}") == "portfolio:{}"
    assert announced_shapes(FEED) == {"portfolio:{}", "trades", "user:{}"}


def test_a_tag_that_nothing_announces_is_told_once() -> None:
    """With how many routes rely on it."""
    found = of_policies([policy("/a", "quotes", "trades"), policy("/b", "quotes")], FEED)
    assert [one.subject for one in found] == ["tag quotes"]
    assert "2 routes" in found[0].evidence


def test_a_route_without_tags_is_told() -> None:
    """Its answers are as old as its time-to-live allows."""
    (one,) = of_policies([policy("/a")], FEED)
    assert one.subject == "/a"
    assert "60 s" in one.evidence


def test_what_a_write_route_expires_is_announced_too() -> None:
    """`expires` of a POST is an announcement of its own."""
    write = HttpPolicy(route="/quotes", methods=("POST",), expires=("quotes",))
    assert of_policies([policy("/a", "quotes"), write], FEED) == ()


def test_the_dashboards_own_policies_leave_nothing_open() -> None:
    """Every tag of pack2.toml is announced by a trigger or by ingestion."""
    config = load_config(Path(__file__).parents[4] / "pack2.toml")
    assert of_policies(config.http.policy, config.cache) == ()
