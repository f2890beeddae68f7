"""Times-to-live from measured change and access: what is advised, and when nothing is."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pack2.cache.observed import Observation
from pack2.config import HttpPolicy
from pack2.tuning.lifetimes import change_rate, of_observations
from pack2.tuning.policies import ttl_for

SEEN = Observation("/a", 3600, reads=7200, hits=7100, reloads=60, changed=3, reload_seconds=3600)


def policy(**more: Any) -> HttpPolicy:
    return HttpPolicy(**({"route": "/a", "scope": "shared", "ttl_seconds": 60} | more))


def seen(**more: Any) -> Observation:
    return Observation(**({name: getattr(SEEN, name) for name in SEEN.__struct_fields__} | more))


def advised(observation: Observation, **more: Any) -> list[str]:
    return [one.command for one in of_observations([policy(**more)], [observation])]


@settings(max_examples=20)
@given(st.floats(0.001, 0.02), st.integers(10, 60))
def test_the_rate_of_a_process_is_found_from_its_reloads(rate: float, interval: int) -> None:
    """As many changes as a Poisson process of that rate makes on average give its rate back."""
    number = 10_000
    changed = round(number * (1 - math.exp(-rate * interval)))
    found = change_rate(seen(reloads=number, changed=changed, reload_seconds=number * interval))
    assert found == pytest.approx(rate, rel=0.02)


def test_the_advice_holds_the_budget() -> None:
    """Three of sixty minutes with a change: 5 % of the answers are old after about that minute."""
    assert ttl_for(change_rate(SEEN)) == pytest.approx(52.1, abs=0.1)
    assert advised(SEEN) == []
    assert advised(SEEN, ttl_seconds=300) == ["ttl_seconds = 52"]
    assert advised(SEEN, ttl_seconds=10) == ["ttl_seconds = 52"]


def test_the_evidence_is_what_was_measured() -> None:
    """Reloads, changes, the time between, the reads, and what is set."""
    (one,) = of_observations([policy(ttl_seconds=600)], [SEEN])
    assert one.subject == "/a"
    assert one.evidence == "3 of 60 reloads, 60.0 s apart, had changed; 2 reads/s, ttl_seconds is 600"
    assert one.advice.startswith("shorter life, so that 5% of it are old")


def test_a_change_that_no_tag_announced_asks_for_the_tag() -> None:
    """Where there are tags, a shorter life is the second best."""
    (one,) = of_observations([policy(ttl_seconds=600, tags=("t",))], [SEEN])
    assert "name the tag that expires it" in one.advice


def test_nothing_is_concluded_from_little() -> None:
    """Few reloads, a route without a policy, one that is not stored."""
    assert advised(seen(reloads=19, changed=19, reload_seconds=19)) == []
    assert advised(seen(route="/b"), ttl_seconds=600) == []
    assert advised(SEEN, ttl_seconds=600, scope="none") == []
    assert advised(seen(reloads=0, changed=0, reload_seconds=0)) == []
    assert advised(seen(reload_seconds=0)) == []


def test_what_never_changed_lives_longer_step_by_step() -> None:
    """As far as the evidence goes, and only where that saves loads."""
    still = seen(reloads=20, changed=0, reload_seconds=20 * 60)
    assert advised(still) == ["ttl_seconds = 120"]
    assert advised(seen(reloads=4000, changed=0, reload_seconds=4000 * 60)) == ["ttl_seconds = 3600"]
    assert advised(seen(reloads=20, changed=0, reload_seconds=1200, reads=100, hits=40)) == []


def test_what_always_changed_lives_a_second() -> None:
    """The shortest that is advised."""
    assert advised(seen(reloads=100, changed=100, reload_seconds=100)) == ["ttl_seconds = 1"]


def test_what_is_not_read_again_does_not_earn_refreshes() -> None:
    """Refresh-ahead costs a load for each write."""
    rare = seen(reads=1000, hits=20, reloads=0, changed=0, reload_seconds=0)
    assert advised(rare, tags=("t",)) == ["refresh_ahead = false"]
    assert advised(rare, tags=("t",), refresh_ahead=False) == []
    assert advised(rare) == []
    assert advised(seen(reads=199, hits=0, reloads=0), tags=("t",)) == []
