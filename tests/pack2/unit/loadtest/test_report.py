"""What the report draws and says, from values alone."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.pack2.unit.loadtest.test_verdict_of_loads import records

from pack2.loadtest.charts import Line, chart, linear_axis, log_axis, plain, time_axis, time_text
from pack2.loadtest.meter import Sample
from pack2.loadtest.profiles import Stage
from pack2.loadtest.records import concatenate
from pack2.loadtest.report import html
from pack2.loadtest.result import LoadResult, RouteRow, StepRow
from pack2.loadtest.series import interval_seconds, moments, routes, sent_within
from pack2.loadtest.stress import broken, climb, held
from pack2.loadtest.terminal import show
from pack2.loadtest.thresholds import error_row, latency_rows, throughput_row

PLAN = (Stage("ramp", 2, 100, is_ramp=True, is_judged=False), Stage("hold", 8, 100))


def result(kind: str = "load", **values: object) -> LoadResult:
    some = records(1000, milliseconds=30)
    rows = moments(some, PLAN, [Sample(0, 0, 1 << 20), Sample(900, 0.5, 2 << 20)], 0.0, 10.0)
    fields: dict[str, object] = {
        "kind": kind,
        "verdict": "fail",
        "invalid_reasons": (),
        "fail_reasons": ("API p95 is 600 ms; < 500 ms is asked",),
        "notes": (),
        "thresholds": (*latency_rows(some), error_row(some), throughput_row(100, 1000, 120)),
        "metrics": {"requests": 1000.0, "hit_percent": None},
        "environment": {"cores": 2, "server_cores": [0], "generator_isolated": True},
        "stages": PLAN,
        "moments": rows,
        "routes": (RouteRow("GET /a/<script>", "api", 1000, 1, 2, 3, 0.0),),
        "started": "2026-01-01T00:00:00+00:00",
    }
    return LoadResult(**(fields | values))  # type: ignore[arg-type]


class _Tags(HTMLParser):
    """Counts what is open at the end, and remembers every attribute that could load something."""

    VOID = frozenset({"meta", "br", "rect", "line", "path", "link", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loading: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loading += [name for name, _ in attrs if name in ("src", "href", "xlink:href", "srcset")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_report_is_one_well_formed_file() -> None:
    """No script, no foreign resource, every tag closed, names escaped, the verdict and its reason on it."""
    page = html(result())
    tags = _Tags()
    tags.feed(page)
    assert (tags.open, tags.loading) == ([], [])
    assert "<script" not in page
    assert "GET /a/&lt;script&gt;" in page
    assert not re.search(r"url\(|@import|nan|inf\b", page)
    assert "API p95 is 600 ms" in page


def test_a_stress_report_shows_its_steps() -> None:
    """Each rate, whether it was held, and why not."""
    steps = (StepRow(60, 20, 0, 0, 10, True), StepRow(90, None, 100, 0, 10, False, "errors 100.0 %"))
    page = html(result("stress", steps=steps))
    assert "Where it breaks" in page
    assert "errors 100.0 %" in page
    assert "held" in page


def test_an_empty_result_has_a_report_too() -> None:
    """A run that was interrupted at once is shown as what it is."""
    none = records(0)
    page = html(result(moments=(), routes=(), thresholds=tuple(latency_rows(none)), stages=()))
    assert "no sample" in page


def test_the_terminal_keeps_to_a_hundred_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """Thresholds, figures, verdict and reason."""
    show(result(), Console(width=100))
    text = capsys.readouterr().out
    assert "load: fail" in text
    assert max(map(len, text.splitlines())) <= 100


@given(st.floats(0.01, 1e7))
def test_a_linear_axis_holds_its_values_in_round_steps(highest: float) -> None:
    """Few ticks, evenly spaced, the last one at or above the highest value and not far above."""
    axis = linear_axis(highest)
    assert axis.high >= highest * (1 - 1e-9)
    assert axis.high <= highest * 2 + 1e-6
    assert 2 <= len(axis.ticks) <= 7


@given(st.lists(st.floats(0.01, 1e5), min_size=1))
def test_a_logarithmic_axis_holds_its_values(values: list[float]) -> None:
    """Whole powers of ten below and above."""
    axis = log_axis(values)
    assert all(-1e-9 <= axis.share(value) <= 1 + 1e-9 for value in values)


@given(st.floats(1, 1e6))
def test_a_time_axis_has_few_labels(seconds: float) -> None:
    """Readable on a narrow screen."""
    assert len(time_axis(seconds).ticks) <= 13


def test_a_missing_value_leaves_a_gap() -> None:
    """No line is drawn over seconds in which nothing was measured."""
    line = Line("p95", "two", [(0, 1.0), (1, 2.0), (2, None), (3, 4.0), (4, 4.0)])
    (path,) = chart("x", "ms", [line], time_axis(4), linear_axis(4)).paths
    assert path.d == "M0.00 75.00L25.00 50.00M75.00 0.00L100.00 0.00"


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "0.5"), (20, "20"), (1000, "1,000"), (2.5, "2.5"), (0, "0")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    """As a reader would write them."""
    assert plain(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(90, "90 s"), (600, "10 min"), (7200, "2 h")])
def test_times_are_short(seconds: float, text: str) -> None:
    """In the unit that fits."""
    assert time_text(seconds) == text


def test_moments_count_each_request_once() -> None:
    """The rates over all intervals add up to the requests; used CPU is per second."""
    rows = result().moments
    assert sum(row.rate for row in rows) * interval_seconds(10) == 1000
    assert rows[0].p95_ms == 30
    assert rows[0].server_cpu_percent == pytest.approx(100 * 0.5 / 0.9)
    assert rows[5].p95_ms is None


def test_only_what_was_sent_in_a_judged_stage_is_judged() -> None:
    """By when it was sent: an answer that comes late belongs to the stage that asked."""
    some = records(10, milliseconds=5)
    assert sent_within(some, [(0.0, 0.001)], -5.0).tolist() == [True, *[False] * 9]


def test_routes_are_listed_by_kind_the_slowest_first() -> None:
    """A page and an API request of one name are two rows."""
    both = concatenate([records(5, milliseconds=1), records(5, kind="page", milliseconds=9)])
    assert [(row.kind, row.requests, row.p95_ms) for row in routes(both)] == [("page", 5, 9), ("api", 5, 1)]


@pytest.mark.parametrize(
    ("breaks_at", "rates", "held_rate", "broken_rate"),
    [
        (200, [60, 90, 135, 202.5], 135, 202.5),
        (10, [60], None, 60),
        (1e9, [60, 90, 135, 202.5, 303.75], 303.75, None),
    ],
)
def test_a_climb_ends_where_it_breaks(
    breaks_at: float, rates: list[float], held_rate: float | None, broken_rate: float | None
) -> None:
    """Half as much again each time, up to the first rate that is not held or the last step."""
    steps = climb(lambda rate: StepRow(rate, 20, 0, 0, 10, rate < breaks_at), 60, 5)
    assert [step.rate for step in steps] == rates
    assert (held(steps), broken(steps)) == (held_rate, broken_rate)


def test_a_climb_ends_at_the_generators_limit() -> None:
    """Above 70 % of its core nothing is learnt about the server."""
    steps = climb(lambda rate: StepRow(rate, 20, 0, 0, rate, True), 60, 9)
    assert np.array([step.rate for step in steps]).tolist() == [60, 90]
    assert broken(steps) is None
