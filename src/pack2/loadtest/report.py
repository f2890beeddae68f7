"""The one-file HTML report of a load test: no external resource, light and dark, narrow screens too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from pack2.loadtest.charts import Chart, Line, chart, linear_axis, log_axis, plain, time_axis, time_text
from pack2.loadtest.result import LoadResult, Moment, ThresholdRow
from pack2.loadtest.wording import METRICS, SENTENCES, figure, met

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_MEGABYTE = 1024 * 1024


def write_report(result: LoadResult, path: Path) -> None:
    """Write the report to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html(result), encoding="utf-8")


def html(result: LoadResult) -> str:
    """The whole page."""
    return _TEMPLATES.get_template("report.html.j2").render(
        result=result,
        sentence=SENTENCES[result.kind],
        charts=charts(result),
        thresholds=[_threshold(row) for row in result.thresholds],
        metrics=[
            (label, figure(name, result.metrics.get(name)))
            for name, label in METRICS
            if result.metrics.get(name) is not None
        ],
        environment=sorted((name, _words(value)) for name, value in result.environment.items()),
        duration=time_text(sum(stage.seconds for stage in result.stages)),
        ms=_ms,
        number=plain,
        percent=_percent,
    )


def _threshold(row: ThresholdRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "limit": f"{'<' if row.is_upper else '>'} {row.limit:g} {row.unit}",
        "value": "–" if row.value is None else f"{_short(row.value)} {row.unit}",
        "samples": f"{row.samples:,}",
        "outcome": met(row),
        "note": row.note,
        "share": 0 if row.value is None else _gauge(row),
    }


def _gauge(row: ThresholdRow) -> float:
    """How much of its limit a value takes, in percent, at most 100."""
    value = row.value or 0.0
    return min(100.0, 100 * value / row.limit)


def charts(result: LoadResult) -> list[Chart]:
    """Latency, rate, errors, and hit rate and servers where seen; of a stress test its steps first."""
    rows = result.moments
    if not rows:
        return []
    seconds = sum(stage.seconds for stage in result.stages) * max(1, len(result.runs))
    x = time_axis(max(seconds, rows[-1].seconds))
    bands = _bands(result)
    drawn = [_latency(rows, x, bands), _rates(rows, x, bands), _errors(rows, x, bands)]
    if result.steps:
        drawn.insert(0, _steps(result))
    if any(row.hit_percent is not None for row in rows):
        line = Line("from the cache", "one", [(row.seconds, row.hit_percent) for row in rows])
        drawn.append(
            chart("Answered from the cache", "% of cacheable reads", [line], x, linear_axis(100), bands=bands)
        )
    drawn += _servers(rows, x, bands)
    return drawn


def _bands(result: LoadResult) -> list[tuple[str, float, float, bool]]:
    bands, at = [], 0.0
    for number in range(max(1, len(result.runs))):
        for stage in result.stages:
            label = (
                f"run {number + 1}" if result.runs and stage.is_judged else "" if result.runs else stage.name
            )
            bands.append((label, at, at + stage.seconds, stage.is_judged))
            at += stage.seconds
    return bands


def _latency(rows: Sequence[Moment], x: Any, bands: Any) -> Chart:
    lines = [
        Line("p99", "three", [(row.seconds, row.p99_ms) for row in rows]),
        Line("p95", "two", [(row.seconds, row.p95_ms) for row in rows]),
        Line("p50", "one", [(row.seconds, row.p50_ms) for row in rows]),
    ]
    values = [value for line in lines for _, value in line.points if value]
    y = log_axis([*values, 500.0])
    return chart("API response time", "ms", lines, x, y, bands=bands, limit=500.0)


def _rates(rows: Sequence[Moment], x: Any, bands: Any) -> Chart:
    lines = [
        Line("planned", "quiet", [(row.seconds, row.planned_rate) for row in rows]),
        Line("answered", "one", [(row.seconds, row.rate) for row in rows]),
    ]
    highest = max(max(row.rate, row.planned_rate) for row in rows)
    return chart("Requests", "a second", lines, x, linear_axis(max(1.0, highest)), bands=bands)


def _errors(rows: Sequence[Moment], x: Any, bands: Any) -> Chart:
    line = Line("failed", "bad", [(row.seconds, row.error_percent) for row in rows])
    highest = max(2.0, *(row.error_percent for row in rows))
    return chart("Errors", "% of the requests", [line], x, linear_axis(highest), bands=bands, limit=1.0)


def _servers(rows: Sequence[Moment], x: Any, bands: Any) -> list[Chart]:
    cpu = [(row.seconds, row.server_cpu_percent) for row in rows]
    memory = [
        (row.seconds, None if row.server_memory_bytes is None else row.server_memory_bytes / _MEGABYTE)
        for row in rows
    ]
    drawn = []
    if any(value is not None for _, value in cpu):
        highest = max(100.0, *(value or 0 for _, value in cpu))
        line = Line("all servers", "two", cpu)
        drawn.append(
            chart("Servers' processor", "% of one core", [line], x, linear_axis(highest), bands=bands)
        )
    if any(value is not None for _, value in memory):
        highest = max(value or 0 for _, value in memory)
        line = Line("application", "three", memory)
        drawn.append(chart("Application's memory", "MB", [line], x, linear_axis(highest * 1.1), bands=bands))
    return drawn


def _steps(result: LoadResult) -> Chart:
    points = [(step.rate, step.p95_ms) for step in result.steps]
    values = [value for _, value in points if value] or [1.0]
    x = linear_axis(max(step.rate for step in result.steps))
    line = Line("p95 of a step", "two", points, has_dots=True)
    return chart(
        "Where it breaks", "p95 in ms", [line], x, log_axis([*values, 500.0]), x_time=False, limit=500.0,
        x_unit="requests a second",
    )  # fmt: skip


def _ms(value: float | None) -> str:
    return "–" if value is None else _short(value)


def _percent(value: float | None) -> str:
    if value is None:
        return "–"
    return (
        "0"
        if value == 0
        else f"{value:.2g}"
        if value < 1
        else f"{value:.0f}"
        if value >= 10
        else f"{value:.1f}"
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)
