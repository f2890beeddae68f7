"""Thresholds and the verdict: each rule bites, and only where it should."""

from __future__ import annotations

import numpy as np
import pytest

from pack2.loadtest.records import Records
from pack2.loadtest.result import ThresholdRow
from pack2.loadtest.thresholds import error_row, failing_routes, latency_rows, throughput_row
from pack2.loadtest.verdict import Conduct, judge


def records(
    count: int = 1000, *, kind: str = "api", milliseconds: float = 20, status: int = 200, database: float = 5,
    cache: float = 1,
) -> Records:  # fmt: skip
    """`count` equal requests, all hits."""
    return Records(
        finished_ms=np.arange(count, dtype=float),
        position=np.arange(count),
        name=np.full(count, "GET /a", dtype="<U40"),
        kind=np.full(count, kind),
        status=np.full(count, status),
        duration_ms=np.full(count, milliseconds),
        cache=np.ones(count, dtype=np.int64),
        database_ms=np.full(count, database),
        cache_ms=np.full(count, cache),
        queries=np.ones(count),
    )


def rows(**values: float) -> list[ThresholdRow]:
    chosen = records(**values)  # type: ignore[arg-type]
    return [*latency_rows(chosen), error_row(chosen), throughput_row(150, 1000, 150)]


SOUND = [Conduct("load", 0.0, 0.3, 0.0)]


@pytest.mark.parametrize(
    ("values", "missed"),
    [
        ({}, []),
        ({"milliseconds": 500}, ["API p95"]),
        ({"milliseconds": 1000}, ["API p95", "API p99"]),
        ({"database": 100}, ["database p95"]),
        ({"database": 500}, ["database p95", "database p99"]),
        ({"cache": 10}, ["cache p95"]),
        ({"cache": 50}, ["cache p95", "cache p99"]),
        ({"status": 500}, ["errors"]),
    ],
)
def test_each_of_the_guides_limits_bites(values: dict[str, float], missed: list[str]) -> None:
    """A value at its limit is not below it; the reason names the threshold and its figure."""
    judgement = judge(rows(**values), SOUND)
    assert judgement.verdict == ("fail" if missed else "pass")
    assert [reason.split(" is ")[0] for reason in judgement.fail_reasons] == missed


@pytest.mark.parametrize(
    ("requests", "failures", "is_told"),
    [(20, 0, False), (20, 1, False), (20, 2, True), (1000, 12, False), (1000, 20, True), (3000, 30, False)],
)
def test_a_route_that_fails_is_not_hidden_among_the_others(
    requests: int, failures: int, is_told: bool
) -> None:
    """Of ten thousand requests they are few; what may be chance is not told."""
    some = records(10_000 + requests)
    some.name[:requests] = "POST /b"
    some.status[:failures] = 503
    told = failing_routes(some)
    assert bool(told) == is_told
    assert all(text.startswith("errors of POST /b are") for text in told)
    assert judge(rows(), SOUND, failures=told).verdict == ("fail" if is_told else "pass")


@pytest.mark.parametrize(
    ("answered", "offered", "verdict"), [(101, 120, "pass"), (100, 120, "fail"), (50, 50, "pass")]
)
def test_throughput_is_judged_where_it_was_offered(answered: float, offered: float, verdict: str) -> None:
    """A hundred a second sustained is too few; a test that offered no more can not ask for it and says so."""
    found = throughput_row(answered, 1000, offered)
    assert judge([found], SOUND).verdict == verdict
    assert found.is_judged == (offered > 100)


@pytest.mark.parametrize(("count", "verdict"), [(999, "invalid"), (1000, "pass")])
def test_a_p99_needs_a_thousand_samples(count: int, verdict: str) -> None:
    """Ten samples beyond a judged percentile."""
    assert judge(rows(count=count), SOUND).verdict == verdict


def test_a_threshold_without_samples_is_invalid() -> None:
    """k6 lets it pass; a page's time is no API response time."""
    judgement = judge(latency_rows(records(kind="page")), SOUND)
    assert judgement.verdict == "invalid"
    assert "the threshold on API p95 matched no sample" in judgement.invalid_reasons


@pytest.mark.parametrize(
    ("conduct", "reason"),
    [
        (Conduct("load", dropped_ratio=0.0011), "were dropped"),
        (Conduct("load", generator_cpu_ratio=0.71), "the generator used 71 %"),
    ],
)
def test_an_unsound_run_is_invalid_whatever_its_figures(conduct: Conduct, reason: str) -> None:
    """Dropped arrivals and a busy generator hide what the server does; a stress test looks for them."""
    judgement = judge(rows(), [conduct])
    assert judgement.verdict == "invalid"
    assert reason in judgement.invalid_reasons[0]
    searching = Conduct("stress", conduct.dropped_ratio, conduct.generator_cpu_ratio, is_search=True)
    assert judge(rows(), [searching]).verdict == "pass"


def test_other_processes_make_a_failure_doubtful_and_leave_a_pass() -> None:
    """CPU that others take can only slow a run down."""
    contested = [Conduct("load", others_cpu_ratio=0.3)]
    assert judge(rows(), contested).verdict == "pass"
    assert "30 % of a core" in judge(rows(), contested).notes[0]
    assert judge(rows(milliseconds=600), contested).verdict == "invalid"


def test_what_the_runner_saw_counts() -> None:
    """An interruption is invalid even where thresholds failed; a broken first step fails."""
    assert judge(rows(milliseconds=600), SOUND, observed=("interrupted",)).verdict == "invalid"
    assert judge(rows(), SOUND, failures=("not even 60/s",)).fail_reasons == ("not even 60/s",)
