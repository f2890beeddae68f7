"""What is said of a figure: done where it is so, failed where it is not, skipped where nobody can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pack2.deploy.checklist import alerts, metrics, proved, short
from pack2.deploy.checklist.immediate import judged
from pack2.loadtest.histogram import histogram
from pack2.loadtest.result import LoadResult, RunDigest, ThresholdRow
from pack2.proof.model import Metric, Proof, SliceHealth
from pack2.regression.baseline import Baseline
from pack2.regression.compare import Finding

EXPOSITION = """# TYPE pack2_cache_requests_total counter
pack2_cache_requests_total{outcome="hit"} 700.0
pack2_cache_requests_total{outcome="hit_redis"} 80.0
pack2_cache_requests_total{outcome="stale"} 20.0
pack2_cache_requests_total{outcome="miss"} 150.0
pack2_cache_requests_total{outcome="collapsed"} 30.0
pack2_cache_requests_total{outcome="bypass"} 1.1e+1
pack2_cache_requests_total{outcome="anonymous"} 5000.0
pack2_cache_route_requests_total{route="/",from="cache"} 1.0
"""


def finding(change: float, low: float, high: float, outcome: str = "fine", rule: str = "errors") -> Finding:
    return Finding(rule, "all", 10.0, 10 + change / 10, change, (low, high), 50.0, "ms", outcome)  # type: ignore[arg-type]


def test_hits_are_read_from_the_servers_metrics() -> None:
    """Memory, Redis and stale answers are hits; who is not signed in asks no cache."""
    assert metrics.read_hits(EXPOSITION) == (800, 991)
    assert metrics.read_hits("<html>no metrics</html>") == (0, 0)


@pytest.mark.parametrize(("percent", "state"), [(80.0, "failed"), (80.1, "done"), (12.0, "failed")])
def test_a_hit_rate_must_be_above_eighty(percent: float, state: str) -> None:
    """Eighty itself is not above eighty."""
    assert short.judged_hits(percent, "of 2,000 reads").state == state


@pytest.mark.parametrize(
    ("change", "low", "high", "state"),
    [
        (-80, -90, -60, "done"),
        (-60, -70, -50, "done"),
        (-60, -70, -40, "skipped"),
        (-40, -55, -20, "failed"),
        (20, 10, 30, "failed"),
    ],
)
def test_better_by_half_is_asked_of_the_interval(change: float, low: float, high: float, state: str) -> None:
    """An interval that reaches above the limit decides nothing; a change that misses it fails."""
    assert short.faster(-50.0)((finding(change, low, high),)).state == state


@pytest.mark.parametrize(
    ("outcome", "state"), [("fine", "done"), ("worse", "failed"), ("undecided", "skipped")]
)
def test_errors_and_resources_follow_the_rule_of_regressions(outcome: str, state: str) -> None:
    """One of two that is worse fails the line; one that nobody can tell leaves it open."""
    one, fine = finding(60, 40, 80, outcome), finding(0, -1, 1)
    assert short.not_more((one,)).state == state
    assert short.stable((fine, one)).state == state
    assert short.stable((one, fine)).state == state


def metric(change: float, low: float | None, high: float | None) -> Metric:
    return Metric(100.0, 100 + change, change, (low, high), None, 500)


@pytest.mark.parametrize(
    ("change", "low", "high", "bounds", "state"),
    [
        (-90, -95, -80, {"at_most": -50}, "done"),
        (-60, -70, -40, {"at_most": -50}, "skipped"),
        (-60, -70, None, {"at_most": -50}, "skipped"),
        (-20, -30, -10, {"at_most": -50}, "failed"),
        (-20, -30, -10, {"at_most": 0}, "done"),
        (500, 400, None, {"at_least": 300}, "done"),
        (500, 200, 900, {"at_least": 300}, "skipped"),
        (500, None, 900, {"at_least": 300}, "skipped"),
        (200, 150, 250, {"at_least": 300}, "failed"),
    ],
)
def test_a_proved_change_is_asked_of_its_interval(
    change: float, low: float | None, high: float | None, bounds: dict[str, float], state: str
) -> None:
    """A bound that the proof could not find decides nothing."""
    assert proved.changed(metric(change, low, high), "ms", "by a proof", **bounds).state == state


class Stored:
    """A deployed application of which only the proof and the machine are asked."""

    def __init__(self, proof: Proof | None, cores: str = "2") -> None:
        self.proof = None if proof is None else (Path("proof.json"), proof)
        self.machine = {"cpu_model": "X", "cores": cores, "memory_bytes": "4 GB"}


MACHINE: dict[str, Any] = {"cpu_model": "X", "cores": 2, "memory_bytes": 4 << 30}
PROOF = Proof("pass", (), (), MACHINE, {"api_p95_ms": metric(-90, -95, -80)})


@pytest.mark.parametrize(
    ("stored", "state", "said"),
    [
        (Stored(PROOF), "done", "-90 %"),
        (Stored(None), "skipped", "store it"),
        (Stored(PROOF, cores="8"), "skipped", "another machine: cores 2, here 8"),
        (
            Stored(msgspec.structs.replace(PROOF, verdict="invalid", invalid_reasons=("x",))),
            "skipped",
            "invalid",
        ),
        (Stored(msgspec.structs.replace(PROOF, metrics={})), "skipped", "holds no api_p95_ms"),
    ],
)
def test_only_a_proof_of_this_kind_of_machine_counts(stored: Any, state: str, said: str) -> None:
    """What was measured elsewhere, or may not be believed, is no evidence here."""
    ask = proved.proved("api_p95_ms", "ms", at_most=-50, otherwise=lambda _: "store it")
    outcome = ask(stored)
    assert outcome.state == state
    assert said in outcome.text


@pytest.mark.parametrize(
    ("after", "discarded", "state"),
    [(0.01, False, "done"), (0.02, False, "skipped"), (0.1, False, "failed"), (0.1, True, "done")],
)
def test_errors_of_a_proof_are_weighed_by_requests(after: float, discarded: bool, state: str) -> None:
    """A discarded slice counts on no side, and a difference that may be chance decides nothing."""

    def one(variant: Any, ratio: float, *, discarded: bool = False) -> SliceHealth:
        return SliceHealth("1", "latency", variant, 9, 9, 1000, 0, ratio, 0, 0, discarded=discarded)

    slices = (one("before", 0.01), one("after", after, discarded=discarded), one("after", 0.01))
    proof = msgspec.structs.replace(PROOF, slices=slices)
    assert proved.errors_proved(lambda _: "")(Stored(proof)).state == state  # type: ignore[arg-type]


def result(verdict: Any, *, invalid: tuple[str, ...] = (), missed: tuple[str, ...] = ()) -> LoadResult:
    row = ThresholdRow("API p95", "ms", 500, True, 12.0, 900, 200)
    return LoadResult("load", verdict, invalid, missed, (), (row,), {"requests": 900.0}, {})


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (result("pass"), "done"),
        (result("fail", missed=("errors is 9 %",)), "failed"),
        (result("invalid", invalid=("dropped",)), "skipped"),
        (result("invalid", invalid=("dropped",), missed=("errors is 9 %",)), "failed"),
    ],
)
def test_a_load_that_may_not_be_believed_is_never_done(given: LoadResult, state: str) -> None:
    """And a threshold that it missed is told all the same."""
    assert judged(given).state == state


RULES = (alerts.Rule("SlowAnswers", health="ok"), alerts.Rule("FewHits", health="ok"))


@pytest.mark.parametrize(
    ("found", "value", "state", "said"),
    [
        (RULES, 12.0, "done", "2 rules run"),
        ((), 12.0, "failed", "rule_files"),
        ((*RULES, alerts.Rule("Fires", "firing", "ok")), 12.0, "failed", "firing now: Fires"),
        ((*RULES, alerts.Rule("Broken", health="err", lastError="no")), 12.0, "failed", "Broken: no"),
        ((*RULES, alerts.Rule("New")), 12.0, "skipped", "not evaluated yet: New"),
        (RULES, 500.0, "failed", "normal traffic would fire: API p95 500 ms"),
        (RULES, None, "done", "2 rules run"),
    ],
)
def test_limits_are_confirmed_by_rules_and_by_what_was_measured(
    found: tuple[alerts.Rule, ...], value: float | None, state: str, said: str
) -> None:
    """Rules are loaded, sound and silent, and normal traffic lies within their limits."""
    outcome = alerts.confirmed(found, (alerts.Normal("API p95", value, 500.0, "ms"),))
    assert outcome.state == state
    assert said in outcome.text


def test_normal_traffic_is_all_runs_of_the_baseline() -> None:
    """Merged histograms, and ratios over all requests; nothing is made up where nothing was measured."""
    digest = RunDigest(histogram(_values(20)), histogram(_values(0)), {}, 1000, 5, 800, 1000)
    baseline = Baseline("2026-01-01", {}, (digest, msgspec.structs.replace(digest, failed=25)), ())
    api, database, errors, hits = alerts.normal(baseline)
    assert api.value == pytest.approx(20, rel=0.05)
    assert database.value is None
    assert errors.value == 1.5
    assert not errors.is_within
    assert hits.value == 80
    assert not hits.is_within


def _values(milliseconds: float) -> Any:
    import numpy as np

    return np.full(100 if milliseconds else 0, milliseconds)


def test_prometheus_rules_are_read_from_all_groups() -> None:
    """As /api/v1/rules tells them, with more than we ask for."""
    rule = '{"name":"A","state":"pending","health":"ok","query":"up","duration":60,"alerts":[]}'
    body = f'{{"status":"success","data":{{"groups":[{{"rules":[{rule}]}},{{"rules":[{rule}]}}]}}}}'
    assert alerts.rules(body.encode()) == (alerts.Rule("A", "pending", "ok"),) * 2
