"""The circuit breaker."""

from __future__ import annotations

import pytest

from pack2.cache import breaker as room
from pack2.cache.breaker import FAILURES_TO_OPEN, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(room, "monotonic", made)
    return made


def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN):
        assert breaker.allows()
        breaker.failed()
    return breaker


def test_it_opens_at_the_third_failure(clock: Clock) -> None:
    """Then nothing is asked any more."""
    assert FAILURES_TO_OPEN == 3
    assert not opened().allows()


def test_a_success_between_failures_keeps_it_closed(clock: Clock) -> None:
    """Only failures in a row count."""
    breaker = Breaker()
    for _ in range(10):
        breaker.failed()
        breaker.failed()
        breaker.succeeded()
    assert breaker.allows()


def test_after_the_pause_one_probe_passes(clock: Clock) -> None:
    """The others wait for what it brings."""
    breaker = opened()
    clock.now += 0.26
    assert [breaker.allows() for _ in range(5)] == [True, False, False, False, False]


def test_each_failed_probe_doubles_the_pause(clock: Clock) -> None:
    """Up to the longest, so that a dead Redis is asked once a second."""
    breaker = opened()
    for pause in (FIRST_PAUSE_SECONDS, 0.5, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS):
        clock.now += pause - 0.01
        assert not breaker.allows(), pause
        clock.now += 0.01
        assert breaker.allows(), pause
        breaker.failed()


def test_a_probe_that_succeeds_closes_it(clock: Clock) -> None:
    """All pass again at once."""
    breaker = opened()
    clock.now += 0.26
    breaker.allows()
    breaker.succeeded()
    assert all(breaker.allows() for _ in range(5))


def test_probes_never_lie_further_apart_than_the_longest_pause(clock: Clock) -> None:
    """So that a Redis that is back is found within two seconds, however long it was away."""
    breaker = opened()
    for _ in range(20):
        clock.now += LONGEST_PAUSE_SECONDS
        assert breaker.allows()
        breaker.failed()
    assert LONGEST_PAUSE_SECONDS <= 1.5


def test_a_probe_whose_end_is_never_told_is_followed_by_another(clock: Clock) -> None:
    """A cancelled probe does not leave the breaker open for ever."""
    breaker = opened()
    clock.now += 0.26
    assert breaker.allows()
    clock.now += LONGEST_PAUSE_SECONDS
    assert breaker.allows()
