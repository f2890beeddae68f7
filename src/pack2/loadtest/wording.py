"""What a load test is called in the report and on the terminal."""

from __future__ import annotations

from pack2.loadtest.result import ThresholdRow

SENTENCES = {
    "load": "The traffic of a normal day: up to the rate, then held there.",
    "stress": "Step by step half as much again, until a step is not held.",
    "spike": "A sudden rush to four times the calm, and whether calm returns. Percentiles are of the calm"
    " before and after; errors of the whole.",
    "endurance": "The same rate for long: leaks and slow decay show.",
    "baseline": "Several short runs of the same rate: what later runs are compared with.",
}

METRICS = (
    ("held_rate", "Highest rate held"),
    ("broken_rate", "Broke at"),
    ("requests", "Requests"),
    ("api_requests_per_second", "Answered"),
    ("hit_percent", "From the cache"),
    ("sign_in_p95_ms", "Sign-in p95"),
    ("calculation_p95_ms", "Strategy calculation p95"),
    ("live_first_byte_p95_ms", "Live: first byte p95"),
    ("report_p95_ms", "Report ready p95"),
    ("server_cpu_ms_per_request", "Servers' processor"),
    ("server_memory_bytes", "Application's memory"),
    ("dropped_percent", "Arrivals dropped"),
    ("generator_cpu_percent", "Generator's core"),
    ("others_cpu_percent", "Other processes"),
)


def figure(name: str, value: float | None) -> str:
    """A metric with its unit."""
    if value is None:
        return "–"
    if name.endswith("_per_request"):
        return f"{value:.2f} ms a request"
    if name.endswith("_ms"):
        return f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"
    if name.endswith("_bytes"):
        return f"{value / 1024 / 1024:,.0f} MB"
    if name.endswith("_percent"):
        return f"{value:.1f} %"
    if name.endswith(("_rate", "_second")):
        return f"{value:,.0f}/s"
    return f"{value:,.0f}"


def met(row: ThresholdRow) -> str:
    """met, missed, not asked for, or no sample."""
    if not row.is_judged:
        return "not asked for"
    if row.value is None:
        return "no sample"
    if row.samples < row.minimum_samples:
        return "too few"
    return "met" if row.is_met else "missed"
