"""Writes `proof.json`, `proof.md` and the pictures."""

from __future__ import annotations

from pathlib import Path

from pack2.proof.latency import Latencies
from pack2.proof.model import Proof, write_proof
from pack2.proof.wording import HEADER, markdown_table, rows, value, verdict

_CAPTIONS = {
    "latency.png": "API reads: share of requests slower than a given time",
    "capacity.png": "Capacity steps",
    "routes.png": "p95 by route",
    "timeline.png": "Timeline",
}


def write_report(proof: Proof, latencies: Latencies | None, out: Path) -> None:
    """Everything that a reader may look at afterwards, into `out`."""
    from pack2.proof.plots import draw  # matplotlib takes a second to import: only who draws waits for it

    out.mkdir(parents=True, exist_ok=True)
    pictures = draw(proof, latencies, out)
    write_proof(proof, out / "proof.json")
    (out / "proof.md").write_text(markdown(proof, pictures), encoding="utf-8")


def markdown(proof: Proof, pictures: list[str]) -> str:
    parts = [
        "# Proof",
        "\n".join(verdict(proof)),
        markdown_table(HEADER, rows(proof)),
        _conditions(proof),
        *(f"![{_CAPTIONS[name]}]({name})" for name in pictures),
        _counters(proof),
        _hits(proof),
        _queries(proof),
        _pages(proof),
        _steps(proof),
        _environment(proof),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _conditions(proof: Proof) -> str:
    environment = proof.environment
    lines = [
        "Before: the same application with `PACK2=off` on an untuned copy of the database; all else equal."
        " Both variants were measured in alternating slices on the same requests.",
        "",
        f"- Latency: {environment.get('latency_rate_per_second')} requests/s for"
        f" {environment.get('latency_seconds')} s a variant, {environment.get('accounts')} accounts,"
        f" size {environment.get('size')}, seed {environment.get('seed')}.",
    ]
    if load := proof.tuned_load:
        lines.append(
            f"- Tuned, at {load.rate:.0f} requests/s: hit rate {load.hit_percent:.1f} %,"
            f" API p50 {load.api_p50_ms:.2f} ms, p95 {load.api_p95_ms:.2f} ms,"
            f" {load.write_share_percent:.1f} % writes,"
            f" generator at {100 * load.generator_cpu_ratio:.0f} % of its core."
        )
    lines += [f"- {name}: {metric.note}." for name, metric in proof.metrics.items() if metric.note]
    return "\n".join(lines)


def _counters(proof: Proof) -> str:
    counted = [row for row in proof.routes if row.before_queries is not None]
    if not counted:
        return ""
    header = ("Route", "p95 before", "p95 after", "Hits", "Statements before", "on a miss", "on a hit")
    lines = [
        (
            f"`{row.name}`",
            value("_ms", row.before_p95_ms),
            value("_ms", row.after_p95_ms),
            "" if row.hit_percent is None else f"{row.hit_percent:.0f} %",
            str(row.before_queries),
            str(row.miss_queries),
            str(row.hit_queries),
        )
        for row in counted
    ]
    return "## Routes\n\n" + markdown_table(header, lines)


def _hits(proof: Proof) -> str:
    if proof.tuned_load is None or not proof.tuned_load.routes:
        return ""
    load = proof.tuned_load
    header = ("Route", "Requests", "Hits", "Misses", "p95 of misses")
    lines = [
        (
            f"`{row.name}`",
            str(row.requests),
            f"{row.hit_percent:.1f} %",
            f"{row.requests * (1 - row.hit_percent / 100):.0f}",
            "" if row.miss_p95_ms is None else value("_ms", row.miss_p95_ms),
        )
        for row in load.routes
    ]
    explained = (
        f"At {load.rate:.0f} requests/s for {load.seconds:.0f} s,"
        f" after {load.warm_up_seconds:.0f} s of warm-up; the most misses first."
    )
    return f"## Hits by route\n\n{explained}\n\n" + markdown_table(header, lines)


def _queries(proof: Proof) -> str:
    if not proof.queries:
        return ""
    header = ("Query", "Replayed", "Buffers before", "after", "Median before", "after")
    lines = [
        (
            f"`{row.name}`",
            str(row.calls),
            f"{row.before_buffers:,}",
            f"{row.after_buffers:,}",
            value("_ms", row.before_ms),
            value("_ms", row.after_ms),
        )
        for row in proof.queries
    ]
    explained = "Shared buffers that one execution touches, with the same parameters; counted, not timed."
    return f"## Queries\n\n{explained}\n\n" + markdown_table(header, lines)


def _pages(proof: Proof) -> str:
    header = ("Page", "Variant", "First visits, LCP in ms", "Repeat visits, LCP in ms")
    lines = [
        (f"`{row.page}`", row.variant, _milliseconds(row.first_ms), _milliseconds(row.repeat_ms))
        for row in proof.pages
    ]
    return "## Page loads\n\n" + markdown_table(header, lines) if lines else ""


def _milliseconds(values: tuple[float, ...]) -> str:
    return ", ".join(f"{one:.0f}" for one in values)


def _steps(proof: Proof) -> str:
    header = ("Variant", "Rate", "p95", "Errors", "Dropped", "Generator", "Held")
    lines = [
        (
            step.variant + (" (confirmed)" if step.confirming else ""),
            f"{step.rate:.1f}/s",
            value("_ms", step.p95_ms),
            f"{100 * step.error_ratio:.2f} %",
            f"{100 * step.dropped_ratio:.2f} %",
            f"{100 * step.generator_cpu_ratio:.0f} %",
            "yes" if step.passed else "no",
        )
        for step in proof.capacity_steps
    ]
    return "## Capacity steps\n\n" + markdown_table(header, lines) if lines else ""


def _environment(proof: Proof) -> str:
    shown = {key: content for key, content in proof.environment.items() if key != "mix"}
    lines = [(key, f"`{content}`") for key, content in shown.items()]
    return "## Environment\n\n" + markdown_table(("", ""), lines)
