"""The rate limit of sign-ins."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adaf.auth.limits import Limiter


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_and_then_one_an_interval() -> None:
    """The burst passes at once; then the wait is told, and after it one attempt passes."""
    clock = Clock()
    limiter = Limiter(burst=3, interval_seconds=10, clock=clock)
    assert [limiter.attempt("a") for _ in range(4)] == [0, 0, 0, 10]
    clock.now += 9.5
    assert limiter.attempt("a") == 1
    clock.now += 0.5
    assert limiter.attempt("a") == 0
    assert limiter.attempt("a") == 10


def test_keys_do_not_share() -> None:
    """One key's attempts leave the others' alone."""
    limiter = Limiter(burst=1, interval_seconds=60, clock=Clock())
    assert limiter.attempt("a") == 0
    assert limiter.attempt("b") == 0
    assert limiter.attempt("a") == 60


def test_refused_attempts_do_not_lengthen_the_wait() -> None:
    """Who keeps trying waits no longer than who does not."""
    limiter = Limiter(burst=1, interval_seconds=60, clock=Clock())
    assert [limiter.attempt("a") for _ in range(5)] == [0, 60, 60, 60, 60]


def test_a_success_starts_anew() -> None:
    """A key that is forgotten has its burst again."""
    limiter = Limiter(burst=1, interval_seconds=60, clock=Clock())
    limiter.attempt("a")
    limiter.forget("a")
    assert limiter.attempt("a") == 0


def test_an_attempt_that_is_given_back_was_none() -> None:
    """It frees its own place and no other's; a key that nobody knows has nothing to take back."""
    limiter = Limiter(burst=3, interval_seconds=10, clock=Clock())
    assert [limiter.attempt("a") for _ in range(3)] == [0, 0, 0]
    limiter.give_back("a")
    limiter.give_back("b")
    assert [limiter.attempt("a"), limiter.attempt("a")] == [0, 10]


@given(st.lists(st.text(max_size=3), max_size=200))
def test_memory_is_bounded(keys: list[str]) -> None:
    """However many keys come, no more than the capacity is remembered."""
    limiter = Limiter(burst=1, interval_seconds=60, capacity=5, clock=Clock())
    for key in keys:
        limiter.attempt(key)
        assert len(limiter) <= 5


@given(st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_the_rate_holds_whatever_the_rhythm(pauses: list[float]) -> None:
    """Over any span, at most burst + span / interval attempts pass."""
    clock = Clock()
    limiter = Limiter(burst=4, interval_seconds=10, clock=clock)
    passed = 0
    for pause in pauses:
        clock.now += pause
        passed += limiter.attempt("a") == 0
    assert passed <= 4 + sum(pauses) / 10 + 1e-6
