"""The capacity search on servers whose limit is known."""

from __future__ import annotations

import numpy as np
import pytest

from pack2.loadtest import K6Run
from pack2.loadtest.records import Records
from pack2.proof.capacity import holds, metric, search
from pack2.proof.model import Capacity, CapacityStep


def step(rate: float, *, passed: bool, confirming: bool = False, generator: float = 0.1) -> CapacityStep:
    return CapacityStep("before", rate, 100.0 if passed else 900.0, 0.0, 0.0, generator, passed, confirming)


def server(limit: float, generator_limit: float = float("inf")):
    """A server that holds everything up to `limit`, and a generator that is busy from `generator_limit`
    on."""

    def try_rate(rate: float, confirming: bool) -> CapacityStep:
        busy = 0.9 if rate >= generator_limit else 0.1
        return step(rate, passed=rate <= limit, confirming=confirming, generator=busy)

    return try_rate


@pytest.mark.parametrize("limit", [2.0, 26.0, 400.0, 1370.0])
@pytest.mark.parametrize("guess_ratio", [0.5, 0.9, 1.6])
def test_the_limit_is_bracketed_and_confirmed(limit: float, guess_ratio: float) -> None:
    """Whatever the first guess, the held rate is within 15 % below the limit, and the broken one above it."""
    capacity, steps = search(server(limit), limit * guess_ratio, 1.12)
    assert 0.85 * limit <= capacity.held_rate <= limit
    assert capacity.broken_rate is not None
    assert limit < capacity.broken_rate
    assert steps[-1].confirming
    assert steps[-1].passed


def test_a_busy_generator_ends_the_search_as_a_lower_bound() -> None:
    """Above 70 % of its core the generator, not the server, may be the limit: no upper end is claimed."""
    capacity, _ = search(server(5000, generator_limit=1000), 900, 1.12)
    assert capacity.generator_limited
    assert capacity.broken_rate is None
    assert capacity.held_rate >= 1000


def test_a_guess_that_the_generator_can_not_send_is_lowered() -> None:
    """A first step that broke because k6 was busy says nothing of the server: a lower rate is found, as a
    bound."""

    def try_rate(rate: float, confirming: bool) -> CapacityStep:
        busy = 0.95 if rate > 1000 else 0.5
        return step(rate, passed=rate <= 1000, confirming=confirming, generator=busy)

    capacity, _ = search(try_rate, 2400, 1.12)
    assert 700 < capacity.held_rate <= 1000
    assert capacity.generator_limited
    assert capacity.broken_rate is None


def test_a_rate_that_is_not_confirmed_gives_way_to_a_lower_one() -> None:
    """A short step may be lucky; the longer one decides."""

    def lucky(rate: float, confirming: bool) -> CapacityStep:
        return step(rate, passed=rate <= (90 if confirming else 100), confirming=confirming)

    capacity, _ = search(lucky, 95, 1.12)
    assert capacity.held_rate <= 90


def test_confirmation_goes_down_until_a_rate_holds() -> None:
    """A server whose short steps promise four times what it holds is still measured, not given up."""

    def promising(rate: float, confirming: bool) -> CapacityStep:
        return step(rate, passed=rate <= (25 if confirming else 100), confirming=confirming)

    capacity, _ = search(promising, 95, 1.12)
    assert 20 < capacity.held_rate <= 25


def test_a_server_that_holds_nothing_has_no_capacity() -> None:
    """Not even one request a second: zero, and the caller says so."""
    assert search(server(0), 20, 1.12)[0].held_rate == 0


def test_the_interval_is_what_both_brackets_allow() -> None:
    """At worst from the untuned limit to the tuned rate that held, at best the other way round."""
    found = metric(Capacity(20, 25, False, 100), Capacity(400, 500, False, 900), 300)
    assert found.change_percent == 1900
    assert found.ci95_percent == (1500, 2400)
    assert found.samples == 1000


def test_a_lower_bound_is_told_as_one() -> None:
    """Generator-limited: the upper end is unknown and the note says ≥."""
    found = metric(Capacity(20, 25, False, 1), Capacity(900, None, True, 1), 300)
    assert found.ci95_percent == (3500, None)
    assert found.note == "after: ≥ 900/s, generator-limited"


def run(duration_ms: float, *, failed: int = 0, dropped: int = 0, count: int = 1000) -> K6Run:
    status = np.full(count, 200)
    status[:failed] = 500
    records = Records(
        finished_ms=np.zeros(count),
        position=np.arange(count),
        name=np.full(count, "GET /a"),
        kind=np.full(count, "api"),
        status=status,
        duration_ms=np.full(count, duration_ms),
        cache=np.full(count, -1),
        database_ms=np.full(count, np.nan),
        cache_ms=np.full(count, np.nan),
        queries=np.full(count, np.nan),
    )
    return K6Run(records=records, seconds=10, dropped=dropped, cpu_ratio=0.1)


def test_a_slow_application_gets_a_wider_limit() -> None:
    """Where 500 ms are out of reach at any rate, both variants are measured against what is in reach."""
    assert not holds(run(900))
    assert holds(run(900), 1000)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (run(500), True),
        (run(501), False),
        (run(5, failed=9), True),
        (run(5, failed=10), False),
        (run(5, dropped=1), True),
        (run(5, dropped=2), False),
        (run(5, count=0), False),
    ],
)
def test_a_rate_is_held_by_definition(one: K6Run, expected: bool) -> None:
    """p95 ≤ 500 ms, errors < 1 %, dropped ≤ 0.1 %; no requests hold nothing."""
    assert holds(one) is expected
