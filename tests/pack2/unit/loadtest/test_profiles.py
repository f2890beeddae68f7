"""What each kind of test sends, and which part of it is judged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pack2.loadtest import Scenario
from pack2.loadtest.profiles import PROFILES, Kind, arrivals, judged_spans, planned_rate, stages

KINDS: tuple[Kind, ...] = ("load", "spike", "endurance", "baseline")


@pytest.mark.parametrize("kind", KINDS)
@given(rate=st.floats(1, 1000), seconds=st.floats(3, 7200))
def test_a_plan_takes_its_seconds_and_never_more_than_its_rate(
    kind: Kind, rate: float, seconds: float
) -> None:
    """Whatever is asked for, the stages add up to the duration, and the rate is their highest."""
    plan = stages(kind, rate, seconds)
    assert sum(stage.seconds for stage in plan) == pytest.approx(seconds)
    assert max(stage.rate for stage in plan) == rate
    assert any(stage.is_judged for stage in plan)


def test_ramps_and_the_peak_are_not_judged_by_percentiles() -> None:
    """What a load test holds counts; of a spike the calm before and, after settling, the calm again."""
    assert judged_spans(stages("load", 100, 100)) == [(10, 100)]
    assert [stage.name for stage in stages("spike", 200, 100) if stage.is_judged] == ["calm", "recovered"]


def test_arrivals_jump_where_no_ramp_is_planned() -> None:
    """A jump is a step of no length: a spike's peak does not sag, a baseline starts at its rate."""
    assert arrivals(stages("baseline", 50, 10)) == ((0, 50), (2, 50), (8, 50))
    assert arrivals(stages("load", 100, 100)) == ((0, 0), (10, 100), (90, 100))


@pytest.mark.parametrize(("at", "rate"), [(0, 0), (5, 50), (10, 100), (99, 100), (100, 0)])
def test_the_planned_rate_follows_the_stages(at: float, rate: float) -> None:
    """Half way up a ramp half of the rate is planned; after the end nothing is."""
    assert planned_rate(stages("load", 100, 100), at) == pytest.approx(rate)


@pytest.mark.parametrize("kind", KINDS)
def test_the_script_draws_as_many_requests_as_the_plan_sends(kind: Kind) -> None:
    """The area under the planned rate is the length of the sequence, up to the most that k6 keeps."""
    plan = stages(kind, 100, 60)
    sent = sum(planned_rate(plan, k / 10) / 10 for k in range(600))
    assert Scenario(kind, 100, 60, stages=arrivals(plan)).requests == pytest.approx(sent + 20, rel=0.02)


def test_the_guides_throughput_can_be_asked_for() -> None:
    """By default load, endurance and baseline offer more than the 100 requests a second of the guide."""
    assert all(PROFILES[kind].rate > 100 for kind in ("load", "endurance", "baseline"))
