"""The fixed set of queries and parameters, and the hit rate's denominator."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from pack2.config import Config, Http, HttpPolicy
from pack2.database.queries import NamedQuery
from pack2.loadtest.records import Records
from pack2.proof.hit_ratio import cached_routes, has_policy, load_rate
from pack2.proof.replay import affordable, plan

QUERIES = {name: NamedQuery(name, f"SELECT /* {name} */ 1", "SELECT 1", "x.sql") for name in ("a", "b", "c")}
SAMPLES = {"a": [(1,), (2,)], "b": [(3,)], "c": []}


def test_queries_are_replayed_as_often_as_the_load_called_them() -> None:
    """Three calls in four were a: so are three replays in four; each sample in turn."""
    executions = plan(QUERIES, SAMPLES, {"a": 300, "b": 100}, 40, seed=7)
    assert Counter(one.query.name for one in executions) == {"a": 30, "b": 10}
    assert Counter(one.parameters for one in executions if one.query.name == "a") == {(1,): 15, (2,): 15}


def test_a_rare_query_is_replayed_once_at_least() -> None:
    """Called once in a thousand, it is in; without samples or without calls, it is not."""
    executions = plan(QUERIES, SAMPLES, {"a": 999, "b": 1, "c": 50}, 20, seed=7)
    assert Counter(one.query.name for one in executions)["b"] == 1
    assert "c" not in {one.query.name for one in executions}


@pytest.mark.parametrize(
    ("seconds", "budget", "size"),
    [(0.001, 10.0, 3000), (0.02, 10.0, 500), (1.0, 10.0, 200)],
)
def test_slow_queries_are_replayed_within_a_budget(seconds: float, budget: float, size: int) -> None:
    """As many as wanted, or as time allows, but never fewer than a p95 needs."""
    single = {"a": 0.0, "b": 2 * seconds}
    assert affordable(single, {"a": 50, "b": 50, "absent": 9}, 3000, budget) == size


def test_the_order_is_seeded() -> None:
    """The same seed, the same order; and not one query after the other."""
    first, again = (plan(QUERIES, SAMPLES, {"a": 1, "b": 1}, 40, seed=7) for _ in range(2))
    assert first == again
    names = [one.query.name for one in first]
    assert names != sorted(names)


def test_the_denominator_is_every_get_on_a_route_with_a_policy() -> None:
    """Whatever its header: a request that should have been cached and was not is a miss."""
    config = Config(
        http=Http(
            policy=(
                HttpPolicy(route="/a/{id:int}", scope="shared"),
                HttpPolicy(route="/b", scope="none"),
                HttpPolicy(route="/a/{id}", methods=("POST",), expires=("x",)),
            )
        )
    )
    names = ["GET /a/{id}", "GET /a/{id}?timeframe=1h", "GET /b", "POST /a/{id}", "GET /c"]
    count = len(names)
    records = Records(
        finished_ms=np.zeros(count),
        position=np.arange(count),
        name=np.array(names),
        kind=np.full(count, "api"),
        status=np.full(count, 200),
        duration_ms=np.ones(count),
        cache=np.full(count, -1),
        database_ms=np.full(count, np.nan),
        cache_ms=np.full(count, np.nan),
        queries=np.full(count, np.nan),
    )
    assert has_policy(records, cached_routes(config)).tolist() == [True, True, False, False, False]


@pytest.mark.parametrize(("capacity", "rate"), [(100, 200), (333, 200), (1000, 600)])
def test_a_hit_rate_is_measured_at_two_hundred_a_second_at_least(capacity: float, rate: float) -> None:
    """60 % of the tuned capacity; below 200/s a hit rate says little."""
    assert load_rate(capacity) == pytest.approx(rate)
