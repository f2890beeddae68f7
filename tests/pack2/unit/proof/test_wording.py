"""One wording for terminal, report and README."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from pack2.proof.model import Metric, PageRow, Proof
from pack2.proof.readme import BEGIN, END, MarkersMissingError, updated
from pack2.proof.report import markdown
from pack2.proof.terminal import show
from pack2.proof.wording import rows, verdict

METRICS = {
    "capacity_rps": Metric(
        26, 1370, 5169.2, (4900.0, None), 300.0, 900, note="after: ≥ 1370/s, generator-limited"
    ),
    "api_p95_ms": Metric(165.4, 14.23, -91.4, (-93.0, -88.0), -75.0, 4000),
    "cache_hit_percent": Metric(0, 91.25, 91.25, (90.1, 92.3), 85.0, 9000),
    "page_load_repeat_ms": Metric(900, 850, -5.6, (-9.0, 2.0), -75.0, 12, judged=False),
    "write_p95_ms": Metric(7.5, 8.0, 6.7, (1.0, 12.0), None, 300, judged=False),
}
PROOF = Proof("pass", (), (), {"size": "small", "cpu_model": "X", "latency_rate_per_second": 14.3}, METRICS)


def test_rows_stand_in_one_order_with_units() -> None:
    """Three significant digits, the interval, the target in its own words, the judgement."""
    assert rows(PROOF) == [
        ("API response time, p95", "165 ms", "14.2 ms", "-91.4 %", "-93.0 … -88.0", "≤ -75 %", "reached"),
        ("Cache hit rate", "none", "91.2 %", "", "90.1 … 92.3", "≥ 85 %", "reached"),
        ("Page load, repeat visit (LCP)", "900 ms", "850 ms", "-5.6 %", "-9.0 … +2.0", "≤ -75 %", "reported"),
        ("Capacity, requests/s", "26.0", "1,370", "×52.7", "+4900.0 … ?", "≥ ×4", "reached"),
        ("Write response time, p95", "7.50 ms", "8.00 ms", "+6.7 %", "+1.0 … +12.0", "", ""),
    ]


def test_the_terminal_table_fits_a_hundred_columns() -> None:
    """Verdict and table, no line longer than 100."""
    screen = io.StringIO()
    show(PROOF, Console(file=screen, width=100))
    text = screen.getvalue()
    assert "pass: every target is reached" in text
    assert max(map(len, text.splitlines())) <= 100
    assert "Capacity, requests/s" in text


def test_the_report_shows_each_page_load() -> None:
    """One that stands apart is seen: the median of a few hides it."""
    row = PageRow("/market", "after", (612.0, 598.4), (251.0, 604.0))
    text = markdown(msgspec.structs.replace(PROOF, pages=(row,)), [])
    assert "| `/market` | after | 612, 598 | 251, 604 |" in text
    assert "## Page loads" not in markdown(PROOF, [])


def test_reasons_follow_the_verdict() -> None:
    """Invalid reasons come first; more than twelve are counted, not listed."""
    one = msgspec.structs.replace(PROOF, verdict="invalid", invalid_reasons=tuple(f"r{n}" for n in range(15)))
    lines = verdict(one)
    assert lines[0].startswith("invalid:")
    assert lines[1] == "- r0"
    assert lines[-1] == "- and 3 more in proof.json"
    assert len(lines) == 14


def test_the_report_has_the_table_and_the_pictures() -> None:
    """What proof.md says is what the terminal says."""
    text = markdown(PROOF, ["latency.png"])
    assert "| API response time, p95 | 165 ms | 14.2 ms |" in text
    assert "(latency.png)" in text
    assert "capacity_rps: after: ≥ 1370/s, generator-limited." in text


def test_the_readme_table_is_replaced_between_its_markers() -> None:
    """Twice is as once, and what stands around stays."""
    text = f"# A\n\n{BEGIN}\nold\n{END}\n\nrest\n"
    once = updated(text, PROOF, Path("README.md"))
    assert once.startswith("# A\n")
    assert once.endswith(f"{END}\n\nrest\n")
    assert "old" not in once
    assert "| Cache hit rate | none | 91.2 % |" in once
    assert updated(once, PROOF, Path("README.md")) == once


def test_a_readme_without_markers_is_told() -> None:
    """The message names the file and what to put there."""
    with pytest.raises(MarkersMissingError, match="proof:begin"):
        updated("# A\n", PROOF, Path("README.md"))
