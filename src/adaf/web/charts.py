"""Charts as SVG geometry, computed on the server, so that the first paint shows the data without any script.

Curves are drawn in a box of 1000 × 1000 units that the template stretches (`preserveAspectRatio="none"`,
strokes do not scale); words stand beside them at percentages, so they are never distorted and need no
inline style.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from math import floor, log10

import msgspec

from adaf.web import format

BOX = 1000
WORDS_ON_TIME_AXIS = 5
_PADDING_RATIO = 0.06


class Tick(msgspec.Struct, frozen=True):
    """A word at an axis; `at` is a percentage of the plot, from the left or from the top."""

    at: float
    text: str


class LineChart(msgspec.Struct, frozen=True):
    """A curve over days: `points` and `area` in box units, ticks, and what it says in a sentence."""

    points: str
    area: str
    value_ticks: list[Tick]
    day_ticks: list[Tick]
    summary: str


class Curve(msgspec.Struct, frozen=True):
    """One of several curves: what it is called, its style, and its points in box units."""

    name: str
    style: str
    points: str


class RatioChart(msgspec.Struct, frozen=True):
    """Curves of ratios over the same days; `values` has None where a curve has no such day."""

    curves: list[Curve]
    value_ticks: list[Tick]
    day_ticks: list[Tick]
    summary: str
    days: list[date]
    values: list[list[float | None]]


class Slice(msgspec.Struct, frozen=True):
    """A part of a ring whose circumference is 100; `offset` is where it starts."""

    name: str
    value: format.Number
    share_ratio: float
    length: float
    offset: float
    style: str


def line_chart(days: Sequence[date], values: Sequence[float], currency: str = "USD") -> LineChart | None:
    """The curve of `values` over `days` (equal lengths, days rising); None for fewer than two points."""
    if len(values) < 2:
        return None
    low, high = _padded(min(values), max(values))
    grid = nice_values(low, high)
    xs = [BOX * place for place in _places(days)]
    pairs = [f"{x:.0f},{_from_top(value, low, high) * BOX:.0f}" for x, value in zip(xs, values, strict=True)]
    return LineChart(
        points=" ".join(pairs),
        area=f"0,{BOX} {' '.join(pairs)} {BOX},{BOX}",
        value_ticks=[
            Tick(round(_from_top(value, low, high) * 100, 2), text)
            for value, text in zip(grid, format.axis(grid, currency), strict=True)
        ],
        day_ticks=_day_ticks(days),
        summary=_summary(days, values, currency),
    )


def ratio_chart(series: Sequence[tuple[str, Mapping[date, float]]]) -> RatioChart | None:
    """The curves of named ratios by day, over all of their days; None for fewer than two days."""
    days = sorted({day for _, curve in series for day in curve})
    if len(days) < 2:
        return None
    every = [value for _, curve in series for value in curve.values()]
    low, high = _padded(min(every), max(every))
    xs = dict(zip(days, (BOX * place for place in _places(days)), strict=True))
    grid = nice_values(low, high)
    return RatioChart(
        curves=[
            Curve(
                name,
                f"s{index}",
                " ".join(
                    f"{xs[day]:.0f},{_from_top(curve[day], low, high) * BOX:.0f}" for day in sorted(curve)
                ),
            )
            for index, (name, curve) in enumerate(series)
        ],
        value_ticks=[
            Tick(round(_from_top(value, low, high) * 100, 2), text)
            for value, text in zip(grid, format.ratio_axis(grid), strict=True)
        ],
        day_ticks=_day_ticks(days),
        summary=f"From {days[0]:%d %b %Y} to {days[-1]:%d %b %Y}. "
        + " ".join(_ratio_summary(name, curve) for name, curve in series if curve),
        days=days,
        values=[[_rounded(curve.get(day)) for day in days] for _, curve in series],
    )


def spark(values: Sequence[float]) -> str:
    """A curve without axes, in a box of 100 × 30 units; empty for fewer than two points."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return " ".join(
        f"{100 * index / (len(values) - 1):.0f},{28 - 26 * (value - low) / span:.0f}"
        for index, value in enumerate(values)
    )


def ring(parts: Iterable[tuple[str, format.Number, float]], shown: int = 7) -> list[Slice]:
    """Slices of (name, value, share_ratio), largest first; what is past `shown` is gathered under "Other"."""
    largest = sorted(parts, key=lambda part: -part[2])
    kept, rest = largest[:shown], largest[shown:]
    if rest:
        other_value = sum((part[1] for part in rest[1:]), start=rest[0][1])
        kept = [*kept, ("other", other_value, sum(part[2] for part in rest))]
    slices, offset = [], 0.0
    for index, (name, value, ratio) in enumerate(kept):
        length = round(max(0.0, ratio) * 100, 2)
        slices.append(Slice(name, value, ratio, length, round(-offset, 2), f"s{min(index, 7)}"))
        offset += length
    return slices


def nice_values(low: float, high: float, about: int = 4) -> list[float]:
    """About `about` round values between `low` and `high`; steps are 1, 2, 2.5 or 5 times a power of ten."""
    span = high - low
    if span <= 0:
        return [low]
    power = 10 ** floor(log10(span / about))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10, 20) if span / (power * factor) <= about + 0.5)
    first = floor(low / step) + 1
    return [step * index for index in range(first, first + 2 * about + 2) if step * index <= high]


def _padded(low: float, high: float) -> tuple[float, float]:
    padding = (high - low) * _PADDING_RATIO or abs(high) * 0.01 or 1.0
    return low - padding, high + padding


def _from_top(value: float, low: float, high: float) -> float:
    return (high - value) / (high - low)


def _places(days: Sequence[date]) -> list[float]:
    """Where each day stands between the first (0) and the last (1)."""
    whole = (days[-1] - days[0]).days or 1
    return [(day - days[0]).days / whole for day in days]


def _day_ticks(days: Sequence[date]) -> list[Tick]:
    """Words at about equal distances, none at the very edges, where they would be cut."""
    texts = [f"{day.day} {day:%b}" for day in days]
    return [
        Tick(round(100 * _places(days)[index], 2), texts[index])
        for index in _inner(len(days), WORDS_ON_TIME_AXIS)
    ]


def _inner(count: int, words: int) -> list[int]:
    last = count - 1
    return sorted({round(last * (index + 0.5) / words) for index in range(words)} - {0, last})


def _ratio_summary(name: str, curve: Mapping[date, float]) -> str:
    return (
        f"{name}: {format.percent(curve[max(curve)])} at the end, "
        f"between {format.percent(min(curve.values()))} and {format.percent(max(curve.values()))}."
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _summary(days: Sequence[date], values: Sequence[float], currency: str) -> str:
    change = values[-1] / values[0] - 1 if values[0] else None
    return (
        f"From {format.money(values[0], currency)} on {days[0]:%d %b %Y} "
        f"to {format.money(values[-1], currency)} on {days[-1]:%d %b %Y} "
        f"({format.percent(change)}); lowest {format.money(min(values), currency)}, "
        f"highest {format.money(max(values), currency)}."
    )
