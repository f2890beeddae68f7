"""The guide's rules over intervals: a slowdown is found, noise is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pack2.loadtest.histogram import Histogram, histogram
from pack2.loadtest.result import RunDigest
from pack2.regression import compare as comparing
from pack2.regression.compare import BETWEEN_SESSIONS, RESAMPLES, Finding, compare, judged, wilson


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


def of(findings: tuple[Finding, ...], rule: str, subject: str) -> Finding:
    return next(one for one in findings if (one.rule, one.subject) == (rule, subject))


def test_an_interval_of_times_leaves_two_and_a_half_percent_out_on_each_side(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of ratios that are known, from 1 to 2; and the drift between sessions is added to both ends."""

    def draws(given: list[Histogram], _random: np.random.Generator) -> comparing.Floats:
        is_now = given[0].total == 2001
        return np.linspace(1, 2, RESAMPLES) if is_now else np.ones(RESAMPLES)

    monkeypatch.setattr(comparing, "_percentile_draws", draws)
    found = of(compare(runs(0), runs(50, count=2001)), "response time p95", "all API requests")
    drift = 1 + BETWEEN_SESSIONS
    assert found.interval == pytest.approx((100 * (1.025 / drift - 1), 100 * (1.975 * drift - 1)))


@pytest.mark.parametrize("sizes", [(100, 100, 200), (200, 200, 100)])
def test_an_interval_of_ratios_leaves_two_and_a_half_percent_out_on_each_side(sizes: tuple[int, ...]) -> None:
    """One run of three is drawn three times in 3.7 % of the draws: within 97.5 %, without 95 %."""
    before = [run(k, memory=100 << 20) for k in range(3)]
    now = [run(50 + k, memory=size << 20) for k, size in enumerate(sizes)]
    assert of(compare(before, now), "memory", "the application").interval == pytest.approx((0.0, 100.0))


def width(finding: Finding) -> float:
    """Of an interval, as a factor's logarithm, without the drift between sessions."""
    low, high = finding.interval
    return float(np.log((1 + high / 100) / (1 + low / 100)) - 2 * np.log(1 + BETWEEN_SESSIONS))


def with_routes(start: int, number: int) -> list[RunDigest]:
    """Five runs in which every route is as fast as all."""
    names = [f"GET /{k}" for k in range(number)]
    return [
        RunDigest(r.latency, r.database, dict.fromkeys(names, r.latency), 1, 0, 0, 0) for r in runs(start)
    ]


def test_the_doubt_is_shared_out_over_the_routes() -> None:
    """Forty questions in place of one make each interval wider, so that they raise no more false alarms."""
    alone = of(compare(with_routes(0, 1), with_routes(50, 1)), "response time p95", "GET /0")
    findings = compare(with_routes(0, 40), with_routes(50, 40))
    among = [width(one) for one in findings if one.subject.startswith("GET /")]
    assert len(among) == 40
    assert float(np.median(among)) > 1.25 * width(alone)


def test_a_baseline_without_a_hit_compares_no_hit_rate() -> None:
    """There is no change in percent of nothing; a rate that fell to nothing is the worst there is."""
    assert "hit rate" not in {one.rule for one in compare(runs(0, hit=0.0), runs(50))}
    fallen = of(compare(runs(0), runs(50, hit=0.0)), "hit rate", "all")
    assert fallen.outcome == "worse"
    assert fallen.change_percent == -100


def test_errors_may_grow_by_two_standard_deviations() -> None:
    """Of the baseline's runs, or of as many requests as there are now: what is larger of the two."""
    even = compare(runs(0, failed=20), runs(50, failed=20))
    assert of(even, "errors", "all").limit_percent == pytest.approx(200 * (0.01 * 0.99 / 10_000) ** 0.5)
    uneven = [run(0, failed=0), run(1, failed=40)]
    assert of(compare(uneven, runs(50)), "errors", "all").limit_percent == pytest.approx(2.0)
