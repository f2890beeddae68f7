"""The check's verdict: what fails, what is invalid, when more is measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.pack2.unit.regression.test_compare import runs

from pack2.loadtest.result import LoadResult, RouteCount, read_result, write_result
from pack2.regression.baseline import (
    Baseline,
    accept,
    differences,
    fingerprint,
    of_result,
    read_baseline,
)
from pack2.regression.check import check, judge
from pack2.regression.errors import BaselineMissingError, NotAcceptableError

COUNT = RouteCount("GET /a", 3, 100, 50, 4, 0, 2)
HERE = {"cpu_model": "one", "cores": 2, "memory_bytes": 8_200_000_000, "kernel": "Linux 6.1.0-13-amd64"}


def result(
    start: int = 0, verdict: str = "pass", environment: dict[str, Any] = HERE, **values: float
) -> LoadResult:
    return LoadResult(
        kind="baseline",
        verdict=verdict,  # type: ignore[arg-type]
        invalid_reasons=("it was interrupted",) if verdict == "invalid" else (),
        fail_reasons=(),
        notes=(),
        thresholds=(),
        metrics={},
        environment=environment,
        runs=tuple(runs(start, **values)),
        counts=(COUNT,),
        started="2026-01-01T00:00:00+00:00",
    )


BASELINE = of_result(result())


def test_the_same_build_passes() -> None:
    """No reason, no note."""
    found = judge(BASELINE, result(50))
    assert (found.verdict, found.exit_code, found.fail_reasons, found.notes) == ("pass", 0, (), ())


def test_a_regression_fails_with_its_route_and_figure() -> None:
    """Half as slow again: the sentence says where, from what to what."""
    found = judge(BASELINE, result(50, slower=1.7))
    assert (found.verdict, found.exit_code) == ("fail", 1)
    assert any(reason.startswith("GET /slow: response time p95 ") for reason in found.fail_reasons)


def test_one_more_query_fails_without_any_timing() -> None:
    """Counts are enough."""
    now = msgspec.structs.replace(result(50), counts=(msgspec.structs.replace(COUNT, queries=4),))
    assert judge(BASELINE, now).fail_reasons == ("GET /a: queries 3 → 4",)


def test_another_environment_is_invalid_unless_accepted() -> None:
    """Figures of two machines are not compared by accident."""
    elsewhere = result(50, environment=HERE | {"cores": 64})
    found = judge(BASELINE, elsewhere)
    assert (found.verdict, found.exit_code) == ("invalid", 2)
    assert found.invalid_reasons == ("cores is 64, the baseline's is 2",)
    accepted = judge(BASELINE, elsewhere, accept_environment=True)
    assert (accepted.verdict, accepted.notes) == ("pass", ("cores is 64, the baseline's is 2",))


def test_an_unsound_run_is_invalid() -> None:
    """What may not be believed is not compared to anything."""
    assert judge(BASELINE, result(50, verdict="invalid")).verdict == "invalid"


def test_undecided_is_measured_again_until_it_is_decided() -> None:
    """A quarter slower can not be told from a drift: the check repeats, then says that it does not know."""
    asked: list[int] = []

    def measure() -> LoadResult:
        asked.append(1)
        return result(50 * len(asked), slower=1.25)

    found, whole = check(BASELINE, measure)
    assert len(asked) == 3
    assert len(whole.runs) == found.runs == 15
    assert found.verdict == "invalid"
    assert "not decided by 15 runs" in found.invalid_reasons[0]


@pytest.mark.parametrize("slower", [1.0, 1.7])
def test_what_is_decided_is_measured_once(slower: float) -> None:
    """No time is spent on a clear answer."""
    asked: list[int] = []

    def measure() -> LoadResult:
        asked.append(1)
        return result(50, slower=slower)

    check(BASELINE, measure)
    assert len(asked) == 1


def test_a_baseline_is_read_back_as_it_was_accepted(tmp_path: Path) -> None:
    """Small enough to be committed, and whole."""
    path = accept(result(), str(tmp_path / "kept.json"))
    assert read_baseline(str(path)) == BASELINE
    assert path.stat().st_size < 50_000


@pytest.mark.parametrize("changes", [{"verdict": "invalid"}, {"kind": "load"}, {"runs": ()}])
def test_what_can_not_be_believed_is_not_accepted(changes: dict[str, Any], tmp_path: Path) -> None:
    """Nor a test without repeated runs."""
    with pytest.raises(NotAcceptableError):
        accept(msgspec.structs.replace(result(), **changes), str(tmp_path / "kept.json"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, "{}", "no json"])
def test_a_baseline_that_is_not_there_is_told(content: str | None, tmp_path: Path) -> None:
    """The message names the file and the command that makes one."""
    path = tmp_path / "kept.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BaselineMissingError, match="pack2 loadtest baseline"):
        read_baseline(str(path))


def test_a_result_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    """The JSON holds everything that the report shows."""
    write_result(result(), tmp_path / "a" / "result.json")
    assert read_result(tmp_path / "a" / "result.json") == result()


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"kernel": "Linux 6.1.0-99-amd64"}, True),
        ({"kernel": "Linux 6.5.0"}, False),
        ({"memory_bytes": 8_400_000_000}, True),
        ({"memory_bytes": 16_000_000_000}, False),
        ({"load_average": [9, 9, 9]}, True),
        ({"size": "medium"}, False),
    ],
)
def test_the_fingerprint_is_what_bears_on_speed(change: dict[str, Any], same: bool) -> None:
    """A patched kernel is the same environment, another release, machine or data set is not."""
    assert (differences(fingerprint(HERE), fingerprint(HERE | change)) == ()) == same


def test_an_empty_baseline_proves_nothing() -> None:
    """No runs, no verdict."""
    assert judge(Baseline("", fingerprint(HERE), (), ()), result()).verdict == "invalid"
