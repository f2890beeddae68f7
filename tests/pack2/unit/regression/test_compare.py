"""The guide's rules over intervals: a slowdown is found, noise is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pack2.loadtest.histogram import histogram
from pack2.loadtest.result import RunDigest
from pack2.regression.compare import Finding, compare, judged, wilson


def run(
    seed: int,
    *,
    slower: float = 1.0,
    hit: float = 0.8,
    failed: int = 0,
    cpu: float = 2.0,
    memory: int = 200 << 20,
    count: int = 2000,
) -> RunDigest:
    """One run of a server whose requests take about 10 ms, `/slow` twice as long."""
    random = np.random.default_rng(seed)
    values = slower * random.lognormal(np.log(10), 0.4, count)
    return RunDigest(
        latency=histogram(values),
        database=histogram(values / 2),
        routes={
            "GET /fast": histogram(values[: count // 2]),
            "GET /slow": histogram(2 * values[count // 2 :]),
        },
        requests=count,
        failed=failed,
        hits=int(random.binomial(count, hit)),
        cacheable=count,
        server_cpu_ms_per_request=cpu * float(random.normal(1, 0.02)),
        server_memory_bytes=memory,
    )


def runs(start: int, **values: float) -> list[RunDigest]:
    return [run(start + k, **values) for k in range(5)]  # type: ignore[arg-type]


def bad(findings: tuple[Finding, ...]) -> set[tuple[str, str]]:
    return {(one.rule, one.subject) for one in findings if one.outcome == "worse"}


@pytest.mark.parametrize(
    ("low", "high", "estimate", "outcome"),
    [
        (21, 40, 30, "worse"),
        (10, 40, 30, "undecided"),
        (10, 40, 19, "fine"),
        (-5, 5, 0, "fine"),
        (-50, -40, -45, "fine"),
    ],
)
def test_an_interval_decides(low: float, high: float, estimate: float, outcome: str) -> None:
    """Only an interval that lies wholly beyond the limit alarms; one that straddles it asks for more runs."""
    assert judged(low, high, estimate, 20) == outcome


@pytest.mark.parametrize("seed", range(100, 600, 100))
def test_the_same_build_again_is_not_worse(seed: int) -> None:
    """Two times five runs of one server: no rule alarms, none is undecided."""
    findings = compare(runs(0), runs(seed))
    assert {one.outcome for one in findings} == {"fine"}
    assert {one.rule for one in findings} == {
        "response time p95",
        "hit rate",
        "errors",
        "processor",
        "memory",
    }


@pytest.mark.parametrize("drift", [0.87, 1.15])
def test_the_drift_between_two_sessions_is_not_worse(drift: float) -> None:
    """Sequential runs of one build differ by 15 % on this kind of machine: that is no regression."""
    assert not bad(compare(runs(0), runs(50, slower=drift)))


def test_a_slowdown_is_found_on_each_route() -> None:
    """Half as slow again is beyond 20 % even after the drift between sessions."""
    found = bad(compare(runs(0), runs(50, slower=1.6)))
    assert {subject for _, subject in found} >= {"GET /fast", "GET /slow", "all API requests"}


def test_one_slow_route_is_named_alone() -> None:
    """The others are not blamed."""
    now = [
        RunDigest(
            latency=one.latency,
            database=one.database,
            routes={**one.routes, "GET /slow": run(70 + k, slower=1.8).routes["GET /slow"]},
            requests=one.requests,
            failed=0,
            hits=one.hits,
            cacheable=one.cacheable,
        )
        for k, one in enumerate(runs(50))
    ]
    assert bad(compare(runs(0), now)) == {("response time p95", "GET /slow")}


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"hit": 0.65}, "hit rate"),
        ({"failed": 40}, "errors"),
        ({"cpu": 3.4}, "processor"),
        ({"memory": 320 << 20}, "memory"),
    ],
)
def test_each_rule_of_the_guide_alarms(values: dict[str, float], rule: str) -> None:
    """Hit rate - 10 %, errors above the mean + 2 sigma, processor and memory + 50 %."""
    assert {name for name, _ in bad(compare(runs(0), runs(50, **values)))} == {rule}


@pytest.mark.parametrize("values", [{"hit": 0.76}, {"failed": 1}, {"cpu": 2.6}, {"memory": 260 << 20}])
def test_below_its_limit_no_rule_alarms(values: dict[str, float]) -> None:
    """Five points less of hits, one failure in two thousand, a third more memory."""
    assert not bad(compare(runs(0, failed=1), runs(50, **{"failed": 1, **values})))


def test_a_baseline_with_errors_allows_as_many() -> None:
    """Any increase above the baseline's own mean and two standard deviations, not above zero."""
    assert not bad(compare(runs(0, failed=20), runs(50, failed=22)))
    assert bad(compare(runs(0, failed=20), runs(50, failed=60))) == {("errors", "all")}


def test_a_route_with_few_requests_is_not_judged() -> None:
    """A p95 needs two hundred requests on both sides."""
    few = [run(k, count=60) for k in range(5)]
    assert "GET /fast" not in {one.subject for one in compare(few, few)}


def test_without_servers_of_our_own_resources_are_left_out() -> None:
    """By URL nothing is known of processor and memory: nothing is compared, nothing is guessed."""
    now = [RunDigest(r.latency, r.database, r.routes, r.requests, 0, r.hits, r.cacheable) for r in runs(50)]
    assert {one.rule for one in compare(runs(0), now)} == {"response time p95", "hit rate", "errors"}


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_interval_holds_the_share(case: tuple[int, int]) -> None:
    """Between 0 and 1, around what was seen."""
    successes, trials = case
    low, high = wilson(successes, trials)
    assert 0 <= low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= high <= 1
