"""One wording of a metric for the terminal, the report and the README, so that they can never disagree."""

from __future__ import annotations

from collections.abc import Sequence

from pack2.proof.model import Metric, Proof
from pack2.proof.verdict import reaches

LABELS = {
    "api_p50_ms": "API response time, p50",
    "api_p95_ms": "API response time, p95",
    "db_query_p95_ms": "Database query time, p95",
    "cache_hit_percent": "Cache hit rate",
    "page_load_first_ms": "Page load, first visit (LCP)",
    "page_load_repeat_ms": "Page load, repeat visit (LCP)",
    "capacity_rps": "Capacity, requests/s",
    "write_p95_ms": "Write response time, p95",
}
HEADER = ("Metric", "Before", "After", "Change", "95 % interval", "Target", "")


def rows(proof: Proof) -> list[tuple[str, ...]]:
    """The table's rows, in the order of LABELS; the last column is the judgement."""
    return [row(name, proof.metrics[name]) for name in LABELS if name in proof.metrics]


def row(name: str, metric: Metric) -> tuple[str, ...]:
    points = name.endswith("_percent")
    change = "" if points else f"{metric.change_percent:+.1f} %"
    return (
        LABELS[name],
        "none" if points else value(name, metric.before),
        value(name, metric.after),
        change if abs(metric.change_percent) < 1000 or points else f"×{metric.after / metric.before:.1f}",
        interval(metric, points=points),
        target(name, metric),
        mark(metric),
    )


def value(name: str, number: float) -> str:
    """With its unit: three significant digits."""
    if name.endswith("_percent"):
        return f"{number:.1f} %"
    unit = " ms" if name.endswith("_ms") else ""
    digits = 0 if number >= 100 else 1 if number >= 10 else 2
    return f"{number:,.{digits}f}{unit}"


def interval(metric: Metric, *, points: bool) -> str:
    sign = "" if points else "+"
    low, high = ("?" if bound is None else f"{bound:{sign}.1f}" for bound in metric.ci95_percent)
    return f"{low} … {high}"


def target(name: str, metric: Metric) -> str:
    if metric.target_percent is None:
        return ""
    if name == "cache_hit_percent":
        return f"≥ {metric.target_percent:g} %"
    if name == "capacity_rps":
        return f"≥ ×{1 + metric.target_percent / 100:g}"
    return f"≤ {metric.target_percent:g} %"


def mark(metric: Metric) -> str:
    if metric.target_percent is None:
        return ""
    if not metric.judged:
        return "reported"
    return "reached" if reaches(metric) else "missed"


def verdict(proof: Proof) -> list[str]:
    """The verdict and every reason for it, one line each."""
    meaning = {
        "pass": "pass: every target is reached by its whole interval",
        "fail": "fail: the run is sound, and a target is missed",
        "invalid": "invalid: the figures above may not be believed",
    }
    reasons = proof.invalid_reasons or proof.fail_reasons
    shown = [f"- {reason}" for reason in reasons[:12]]
    more = [f"- and {len(reasons) - 12} more in proof.json"] if len(reasons) > 12 else []
    return [meaning[proof.verdict], *shown, *more]


def markdown_table(header: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table; all columns but the first stand right."""
    rule = "|---|" + "---:|" * (len(header) - 1)
    return "\n".join(
        ["| " + " | ".join(header) + " |", rule, *("| " + " | ".join(line) + " |" for line in lines)]
    )
