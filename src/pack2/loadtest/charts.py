"""Line charts as HTML and inline SVG: the lines stretch with the page, the labels keep their size.

A value that is missing leaves a gap. Axes end on round numbers; a logarithmic one spans whole powers of ten.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

_STEPS = (1, 2, 2.5, 5, 10)
_MOST_LABELS = 6


class Line(msgspec.Struct, frozen=True):
    """One line: `tone` is a class of the report's style sheet."""

    label: str
    tone: str
    points: Sequence[tuple[float, float | None]]
    is_stepped: bool = False
    has_dots: bool = False


class Axis(msgspec.Struct, frozen=True):
    """From `low` to `high` with labelled `ticks`."""

    low: float
    high: float
    ticks: tuple[float, ...]
    is_log: bool = False

    def share(self, value: float) -> float:
        """Where `value` lies between low (0) and high (1)."""
        if self.is_log:
            value = max(value, self.low)
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


class Label(msgspec.Struct, frozen=True):
    """A tick's text and its place in percent of the chart."""

    text: str
    percent: float


class Path(msgspec.Struct, frozen=True):
    """What the template draws of one line."""

    label: str
    tone: str
    d: str
    dots: tuple[tuple[float, float], ...] = ()


class Band(msgspec.Struct, frozen=True):
    """A stage: from and to in percent of the width."""

    label: str
    left: float
    width: float
    is_judged: bool


class Chart(msgspec.Struct, frozen=True):
    """One figure for the template; percentages count from the top left."""

    title: str
    unit: str
    paths: tuple[Path, ...]
    x_labels: tuple[Label, ...]
    y_labels: tuple[Label, ...]
    bands: tuple[Band, ...] = ()
    limit: Label | None = None
    x_unit: str = ""


def linear_axis(highest: float, *, lowest: float = 0.0) -> Axis:
    """From `lowest` to the first round number at or above `highest`."""
    span = max(highest - lowest, 1e-9)
    raw = span / (_MOST_LABELS - 1)
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * one for one in _STEPS if power * one >= raw * (1 - 1e-9))
    count = max(1, math.ceil(span / step - 1e-9))
    ticks = tuple(lowest + step * k for k in range(count + 1))
    return Axis(lowest, ticks[-1], ticks)


def log_axis(values: Sequence[float]) -> Axis:
    """Whole powers of ten around `values`."""
    kept = [value for value in values if value > 0] or [1.0]
    low = math.floor(math.log10(min(kept)))
    high = max(low + 1, math.ceil(math.log10(max(kept))))
    return Axis(10.0**low, 10.0**high, tuple(10.0**k for k in range(low, high + 1)), is_log=True)


def time_axis(seconds: float) -> Axis:
    """Round steps of seconds, minutes or hours."""
    for step in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400):
        if seconds / step <= _MOST_LABELS:
            break
    ticks = tuple(float(step * k) for k in range(int(seconds // step) + 1))
    return Axis(0.0, max(seconds, 1e-9), ticks)


def time_text(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.3g} min"
    return f"{seconds / 3600:.3g} h"


def chart(
    title: str,
    unit: str,
    lines: Sequence[Line],
    x: Axis,
    y: Axis,
    *,
    x_time: bool = True,
    bands: Sequence[tuple[str, float, float, bool]] = (),
    limit: float | None = None,
    x_unit: str = "",
) -> Chart:
    """Everything in percent. `bands`: (label, from, to, judged) on the x axis; `limit` is a line across."""
    return Chart(
        title=title,
        unit=unit,
        paths=tuple(_path(line, x, y) for line in lines),
        x_labels=tuple(
            Label(time_text(tick) if x_time else plain(tick), 100 * x.share(tick)) for tick in x.ticks
        ),
        y_labels=tuple(Label(plain(tick), 100 * (1 - y.share(tick))) for tick in y.ticks),
        bands=tuple(
            Band(label, 100 * x.share(start), 100 * (x.share(end) - x.share(start)), judged)
            for label, start, end, judged in bands
        ),
        limit=None
        if limit is None or not y.low < limit <= y.high
        else Label(plain(limit), 100 * (1 - y.share(limit))),
        x_unit=x_unit,
    )


def _path(line: Line, x: Axis, y: Axis) -> Path:
    parts: list[str] = []
    dots = []
    pen_down = False
    for at, value in line.points:
        if value is None or not math.isfinite(value):
            pen_down = False
            continue
        left, top = 100 * x.share(at), 100 * (1 - y.share(min(value, y.high)))
        dots.append((round(left, 2), round(top, 2)))
        if not pen_down:
            parts.append(f"M{left:.2f} {top:.2f}")
        else:
            parts.append(f"H{left:.2f}V{top:.2f}" if line.is_stepped else f"L{left:.2f} {top:.2f}")
        pen_down = True
    return Path(line.label, line.tone, "".join(parts), tuple(dots) if line.has_dots else ())


def plain(value: float) -> str:
    """A short number: 0.5, 20, 1,000."""
    if value and abs(value) < 1:
        return f"{value:.2g}"
    return f"{value:,.0f}" if abs(value - round(value)) < 1e-9 else f"{value:,.1f}"
