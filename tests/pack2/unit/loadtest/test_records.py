"""What k6 printed becomes arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pack2.loadtest import Scenario, read_records
from pack2.loadtest.errors import RecordError
from pack2.loadtest.k6 import empty_thresholds
from pack2.loadtest.records import HIT, MISS, UNCACHED, concatenate, route_of

LINES = """r|1000|0|GET /api/a|api|200|1.500|hit|0.250|0.010|-
r|1001|1|POST /api/a|write|201|9.000|-|-|-|3
some warning of the generator
r|1002|-1|POST /api/bars|ingest|500|3.250|-|1.000|-|-
r|1003|2|GET /|page|200|7.000|miss|-|7.100|2
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "console.txt"
    path.write_text(text)
    return path


def test_each_record_is_one_row(tmp_path: Path) -> None:
    """Other lines are none of ours; an absent header is told from a miss."""
    records = read_records(write(tmp_path, LINES))
    assert records.duration_ms.tolist() == [1.5, 9.0, 3.25, 7.0]
    assert records.cache.tolist() == [HIT, UNCACHED, UNCACHED, MISS]
    assert records.failed.tolist() == [False, False, True, False]
    assert records.api_reads.tolist() == [True, False, False, False]
    assert np.isnan(records.database_ms).tolist() == [False, True, False, True]
    assert records.hit_ms.tolist() == [0.01]
    assert records.queries.tolist()[1::2] == [3.0, 2.0]


@pytest.mark.parametrize(
    "line", ["r|1000|0|GET /a|api|200|1.5|hit", "r|1|0|GET /a|api|200|1.5|perhaps|-|-|-"]
)
def test_a_torn_record_is_told_with_its_line(tmp_path: Path, line: str) -> None:
    """A run that was cut off must not look complete."""
    with pytest.raises(RecordError, match=r":2: not a request record"):
        read_records(write(tmp_path, LINES.splitlines()[0] + "\n" + line + "\n"))


def test_a_run_cut_short_loses_only_its_torn_line(tmp_path: Path) -> None:
    """What was written whole before an interruption counts; the rest of a line does not."""
    whole = read_records(write(tmp_path, LINES + "r|1004|3|GET /|pa"), cut_short=True)
    assert whole.duration_ms.tolist() == [1.5, 9.0, 3.25, 7.0]


def test_no_output_is_no_requests(tmp_path: Path) -> None:
    """A run that sent nothing has nothing."""
    assert len(read_records(tmp_path / "absent.txt")) == 0
    assert len(concatenate([])) == 0


def test_slices_are_joined_in_order(tmp_path: Path) -> None:
    """Names of different lengths survive."""
    records = read_records(write(tmp_path, LINES))
    both = concatenate([records, records.where(records.kind == "page")])
    assert both.name.tolist()[-2:] == ["GET /", "GET /"]


@pytest.mark.parametrize(
    ("name", "route"),
    [("GET /a/{b}", "/a/{b}"), ("GET /a/{b}?timeframe=1h", "/a/{b}"), ("POST /", "/")],
)
def test_a_name_tells_its_route(name: str, route: str) -> None:
    """A fixed query may tell two kinds of request of one route apart; the policy is the route's."""
    assert route_of(name) == route


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        (
            {"http_req_duration": {"values": {"p(95)": 0}, "thresholds": {"p(95)<500": {}}}},
            ("http_req_duration",),
        ),
        ({"http_req_duration": {"values": {"p(95)": 3}, "thresholds": {"p(95)<500": {}}}}, ()),
        (
            {"checks": {"values": {"rate": 0, "passes": 0, "fails": 0}, "thresholds": {"rate>0.9": {}}}},
            ("checks",),
        ),
        ({"http_reqs": {"values": {"count": 0}}}, ()),
    ],
)
def test_a_threshold_without_samples_is_found(
    metrics: dict[str, dict[str, object]], expected: tuple[str, ...]
) -> None:
    """k6 passes a threshold that nothing reached; we do not."""
    assert empty_thresholds(metrics) == expected


def test_enough_virtual_users_for_a_stall() -> None:
    """A server that freezes for a second is asked on by others: 2.5 seconds of arrivals may be in flight."""
    assert Scenario("latency", rate=100, seconds=10).virtual_users == 250
    assert Scenario("latency", rate=1, seconds=10).virtual_users == 20


def test_stages_tell_the_script_how_much_it_will_send() -> None:
    """Ten seconds up to 100/s and ten at 100/s are 1,500 requests; the script draws a few more."""
    scenario = Scenario("load", 100, 20, stages=((0, 0), (10, 100), (10, 100)))
    assert scenario.requests == 1520
    assert scenario.environment()["STAGES"] == "[[0, 0], [10, 100], [10, 100]]"


def test_a_plain_scenario_says_nothing_of_stages_or_visits() -> None:
    """What a proof sends is decided by its rate alone."""
    assert not {"STAGES", "VISIT_SECONDS", "REQUESTS"} & set(Scenario("load", 100, 20).environment())
