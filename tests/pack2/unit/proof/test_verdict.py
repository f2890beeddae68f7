"""Pass, fail, invalid: each rule bites."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pack2.proof.model import Metric, SliceHealth
from pack2.proof.verdict import Evidence, judge, reaches

REACHED = Metric(100, 10, -90.0, (-92.0, -85.0), -75.0, 5000)
SOUND = SliceHealth(
    label="latency slice 1 before",
    phase="latency",
    variant="before",
    rate=20,
    seconds=10,
    requests=200,
    dropped_ratio=0.0,
    error_ratio=0.0,
    generator_cpu_ratio=0.2,
    others_cpu_ratio=0.02,
)


def change(**fields: Any) -> SliceHealth:
    return msgspec.structs.replace(SOUND, **fields)


def test_a_sound_run_that_reaches_every_target_passes() -> None:
    """Nothing wrong and every interval beyond its target: pass, without reasons."""
    judgement = judge({"api_p95_ms": REACHED}, Evidence(slices=[SOUND] * 4))
    assert (judgement.verdict, judgement.invalid_reasons, judgement.fail_reasons) == ("pass", (), ())


@pytest.mark.parametrize(
    ("interval", "target", "expected"),
    [
        ((-90.0, -75.0), -75.0, True),
        ((-90.0, -74.9), -75.0, False),
        ((300.0, 500.0), 300.0, True),
        ((299.0, 500.0), 300.0, False),
        ((300.0, None), 300.0, True),
        ((None, 500.0), 300.0, False),
        ((-10.0, 10.0), None, True),
    ],
)
def test_the_unfavourable_end_of_the_interval_must_reach_the_target(
    interval: tuple[float | None, float | None], target: float | None, expected: bool
) -> None:
    """A good estimate with an interval that does not reach the target is no proof."""
    assert reaches(Metric(1, 1, 0.0, interval, target, 1000)) is expected


def test_a_missed_target_fails_and_says_by_how_much() -> None:
    """The reason names the metric, its change, its interval and its target."""
    missed = msgspec.structs.replace(REACHED, change_percent=-60.0, ci95_percent=(-70.0, -50.0))
    judgement = judge({"api_p95_ms": missed}, Evidence())
    assert judgement.verdict == "fail"
    assert judgement.fail_reasons == (
        "api_p95_ms changed by -60.0 % (95 % interval -70.0 to -50.0);"
        " the target is -75 % for the whole interval",
    )


def test_what_is_only_reported_is_not_judged() -> None:
    """A missed target of a metric that is not judged leaves the verdict alone."""
    reported = msgspec.structs.replace(REACHED, ci95_percent=(-1.0, 1.0), judged=False)
    assert judge({"page_load_repeat_ms": reported}, Evidence()).verdict == "pass"


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (Evidence(slices=[change(dropped_ratio=0.0011)]), "0.11 % of the arrivals were dropped"),
        (Evidence(slices=[change(generator_cpu_ratio=0.71)]), "the generator used 71 % of its core"),
        (Evidence(slices=[change(error_ratio=0.011)]), "latency before: 1.1 % of the requests failed"),
        (Evidence(slices=[change(requests=0, error_ratio=1.0)]), "100.0 % of the requests failed"),
        (
            Evidence(slices=[change(variant="after"), SOUND, change(error_ratio=0.03)]),
            "latency before: 1.5 % of the requests failed",
        ),
        (Evidence(slices=[change(others_cpu_ratio=0.16)]), "1 of 1 slices were contested"),
        (Evidence(slices=[SOUND] * 9 + [change(others_cpu_ratio=0.16)]), "1 of 10 slices were contested"),
        (Evidence(servers_died=["the after server"]), "the after server ended while it was measured"),
        (Evidence(different_answers=["GET /a has another body tuned"]), "the variants answer differently"),
        (
            Evidence(pages_not_painted=["/ of the after server: status 500"]),
            "a page was not painted: / of the",
        ),
        (Evidence(empty_thresholds=["http_req_duration"]), "the threshold on http_req_duration matched no"),
        (Evidence(routes_without_samples=["GET /a"]), "no sample of GET /a"),
        (Evidence(missing_metrics=["capacity_rps"]), "no figure for capacity_rps"),
        (
            Evidence(minimum_samples={"api_p95_ms": 5001}),
            "api_p95_ms stands on 5000 samples; 5001 are needed",
        ),
        (Evidence(untuned_load_ratio=0.61), "61 % of the untuned capacity"),
        (Evidence(hit_rate_per_second=199), "the hit rate was measured at 199 requests/s"),
        (Evidence(write_share_percent=1.9), "writes were 1.9 % of the requests"),
    ],
)
def test_each_unsoundness_makes_the_run_invalid(evidence: Evidence, reason: str) -> None:
    """Whatever its figures: a run that may not be believed is neither pass nor fail."""
    judgement = judge({"api_p95_ms": REACHED}, evidence)
    assert judgement.verdict == "invalid"
    assert any(reason in one for one in judgement.invalid_reasons)


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(slices=[change(dropped_ratio=0.001, generator_cpu_ratio=0.7, error_ratio=0.01)]),
        Evidence(
            slices=[
                change(phase=phase, dropped_ratio=0.5, error_ratio=0.5, generator_cpu_ratio=0.9)
                for phase in ("capacity", "estimate")
            ]
        ),
        Evidence(slices=[SOUND, SOUND, change(requests=45, error_ratio=1 / 45)]),
        Evidence(slices=[SOUND, SOUND, SOUND, change(others_cpu_ratio=0.9, discarded=True)]),
        Evidence(
            slices=[SOUND, SOUND, SOUND, change(others_cpu_ratio=0.9, dropped_ratio=0.5, discarded=True)]
        ),
        Evidence(minimum_samples={"api_p95_ms": 5000, "absent": 9}, untuned_load_ratio=0.6),
        Evidence(hit_rate_per_second=200, write_share_percent=2.0),
    ],
)
def test_what_is_allowed_stays_valid(evidence: Evidence) -> None:
    """Limits are inclusive, a capacity step may break, and a few discarded slices are replaced."""
    assert judge({"api_p95_ms": REACHED}, evidence).verdict == "pass"


def test_too_many_discarded_slices_make_the_run_invalid() -> None:
    """When more than a third was contested, picking the rest is picking the result."""
    slices = [
        SOUND,
        SOUND,
        change(others_cpu_ratio=0.9, discarded=True),
        change(others_cpu_ratio=0.9, discarded=True),
    ]
    assert judge({}, Evidence(slices=slices)).verdict == "invalid"


def test_invalid_is_stronger_than_fail() -> None:
    """An unsound run that misses a target too is invalid, and keeps both kinds of reasons."""
    missed = msgspec.structs.replace(REACHED, ci95_percent=(-1.0, 1.0))
    judgement = judge({"api_p95_ms": missed}, Evidence(servers_died=["the before server"]))
    assert judgement.verdict == "invalid"
    assert judgement.fail_reasons
