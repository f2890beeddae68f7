"""Four pictures of a proof: who waits how long, what each server holds, which routes gained, and what
happened when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from pack2.proof.capacity import P95_MS
from pack2.proof.latency import Latencies
from pack2.proof.model import Proof, Variant

COLOURS: dict[Variant, str] = {"before": "#b4532a", "after": "#1f6f8b"}
NAMES: dict[Variant, str] = {"before": "before", "after": "after"}
_GREY = "#555555"
_SHOWN_ROUTES = 24


def draw(proof: Proof, latencies: Latencies | None, out: Path) -> list[str]:
    """Write the pictures into `out` and return their file names, in the report's order."""
    made: list[str] = []
    if latencies is not None and all(len(records) for records in latencies.records.values()):
        made.append(_save(out / "latency.png", (7.2, 3.6), lambda axes: _percentiles(axes, latencies)))
    if proof.capacity_steps:
        made.append(_save(out / "capacity.png", (7.2, 3.6), lambda axes: _capacity(axes, proof)))
    if proof.routes:
        height = 1.0 + 0.26 * min(len(proof.routes), _SHOWN_ROUTES)
        made.append(_save(out / "routes.png", (7.2, height), lambda axes: _routes(axes, proof)))
    if proof.slices:
        made.append(_save(out / "timeline.png", (7.2, 2.6), lambda axes: _timeline(axes, proof)))
    return made


def _save(path: Path, size: tuple[float, float], paint: Callable[[Axes], None]) -> str:
    figure = Figure(figsize=size, dpi=140, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=8, colors=_GREY)
    paint(axes)
    for axis, scale in ((axes.xaxis, axes.get_xscale()), (axes.yaxis, axes.get_yscale())):
        if scale == "log":
            axis.set_major_formatter(FuncFormatter(_plain))
            axis.set_minor_formatter(NullFormatter())
    axes.xaxis.label.set_fontsize(9)
    axes.yaxis.label.set_fontsize(9)
    axes.title.set_fontsize(10)
    figure.savefig(path)
    return path.name


def _plain(value: float, _position: int) -> str:
    return f"{value:g}"


def _percentiles(axes: Axes, latencies: Latencies) -> None:
    """Share of requests slower than x, on logarithmic axes: the tail is where the differences are."""
    for variant, records in latencies.records.items():
        values = np.sort(records.where(records.api_reads).duration_ms)
        slower = 1 - np.arange(len(values)) / len(values)
        axes.step(
            values, 100 * slower, where="post", color=COLOURS[variant], label=NAMES[variant], linewidth=1.6
        )
    for q in (50, 95):
        axes.axhline(100 - q, color="#bbbbbb", linewidth=0.8, linestyle=":")
        right = axes.get_yaxis_transform()
        axes.text(0.99, 100 - q, f"p{q}", fontsize=8, color=_GREY, transform=right, va="bottom", ha="right")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("milliseconds")
    axes.set_ylabel("% of API reads slower")
    axes.set_title(f"API reads at {latencies.rate:.0f} requests/s", loc="left")
    axes.legend(frameon=False, fontsize=9)


def _capacity(axes: Axes, proof: Proof) -> None:
    """p95 of each step over its rate; a ring where the rate was not held."""
    for variant in COLOURS:
        steps = sorted(
            (step for step in proof.capacity_steps if step.variant == variant), key=lambda step: step.rate
        )
        shown = [step for step in steps if np.isfinite(step.p95_ms)]
        axes.plot([step.rate for step in shown], [step.p95_ms for step in shown], color=COLOURS[variant],
        linewidth=1,
                  alpha=0.5)  # fmt: skip
        for held in (True, False):
            chosen = [step for step in shown if step.passed == held]
            axes.scatter([step.rate for step in chosen], [step.p95_ms for step in chosen], s=28, zorder=3,
                         edgecolors=COLOURS[variant], facecolors=COLOURS[variant] if held else "white",
                         label=f"{NAMES[variant]}, {'held' if held else 'not held'}")  # fmt: skip
    limit = proof.environment.get("capacity_p95_limit_ms", P95_MS)
    axes.axhline(limit, color="#bbbbbb", linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.set_xlabel("requests offered a second")
    axes.set_ylabel("p95, ms")
    axes.set_title(f"Capacity: the highest rate with p95 ≤ {limit:.0f} ms, errors < 1 %", loc="left")
    axes.legend(frameon=False, fontsize=8)


def _routes(axes: Axes, proof: Proof) -> None:
    rows = list(proof.routes[:_SHOWN_ROUTES])[::-1]
    places = np.arange(len(rows))
    axes.barh(
        places + 0.2, [row.before_p95_ms for row in rows], 0.38, color=COLOURS["before"], label="before"
    )
    axes.barh(places - 0.2, [row.after_p95_ms for row in rows], 0.38, color=COLOURS["after"], label="after")
    axes.set_yticks(places, [row.name.removeprefix("GET ") for row in rows], fontsize=7)
    axes.set_xscale("log")
    axes.set_xlabel("p95, ms")
    axes.set_title("By route", loc="left")
    axes.legend(frameon=False, fontsize=8, loc="lower right")


def _timeline(axes: Axes, proof: Proof) -> None:
    """Every slice as a bar as high as its rate; grey: CPU that other processes used."""
    start = min(one.started_ms for one in proof.slices)
    for one in proof.slices:
        at = (one.started_ms - start) / 1000
        axes.bar(at, one.rate or 1, one.seconds, align="edge", color=COLOURS[one.variant],
                 alpha=0.25 if one.discarded else 0.75, edgecolor="white", linewidth=0.5)  # fmt: skip
    axes.set_yscale("log")
    axes.set_xlabel("seconds")
    axes.set_ylabel("requests/s")
    axes.set_title("What was sent when", loc="left")
    others = axes.twinx()
    middles = [(one.started_ms - start) / 1000 + one.seconds / 2 for one in proof.slices]
    shares = [100 * one.others_cpu_ratio for one in proof.slices]
    others.plot(middles, shares, color="#888888", linewidth=1, marker=".", markersize=4)
    others.set_ylabel("other processes,\n% of a core", fontsize=8, color="#888888")
    others.set_ylim(0, max(20.0, 1.1 * max(shares)))
    others.tick_params(labelsize=8, colors="#888888")
    others.spines["top"].set_visible(False)
