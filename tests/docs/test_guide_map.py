"""docs/guide-map.md is kept true: no line of the guide is dropped, and what a row names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from cyclopts import App

from adaf.cli import app as adaf_app
from pack2.cli import app as pack2_app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/guide-map.md").read_text(encoding="utf-8")
PROGRAMS = {"pack2": pack2_app, "adaf": adaf_app}
KINDS = ("load", "stress", "spike", "endurance", "baseline")
GUIDE = {
    "Overview": {"Completed Components": 5},
    "Improvements": {
        "Database Optimization": 3,
        "Caching Architecture": 3,
        "Performance Testing": 3,
        "Monitoring Enhancement": 3,
    },
    "Files": {"File Structure": 10},
    "Deployment": {
        "Prerequisites": 5,
        "Automated Deployment": 9,
        "1. Database Indexes": 2,
        "2. Cache System Setup": 2,
        "3. Performance Testing": 1,
        "4. Monitoring Setup": 2,
    },
    "Dashboard": {"Key Metrics Dashboard": 7},
    "Alerts": {"Performance Alerts": 5},
    "Load tests": {"Performance Test Suite": 3, "Business Scenario Testing": 5, "Performance Thresholds": 5},
    "Maintenance": {"Regular Maintenance Tasks": 5},
    "Automation": {"Performance Optimization Automation": 4},
    "Troubleshooting": {"Slow Database Queries": 2, "Cache Performance Issues": 3, "High Response Times": 3},
    "Regressions": {"Performance Regression Detection": 4},
    "Gains": {"Baseline vs. Optimized Performance": 5, "Business Impact": 5},
    "Security": {"Performance vs. Security Balance": 4, "Access Control": 3},
    "Checklists after deployment": {
        "Immediate Validation": 6,
        "Short-term Monitoring": 5,
        "Long-term Validation": 5,
    },
    "Roadmap": {"Performance Optimization Roadmap": 6},
    "Routine and documents": {"Recommended Monitoring Schedule": 4, "Support & Documentation": 4},
}
"""By table of the page: the guide's headings that have lines, in its order, and how many lines each has."""
ROWS = [
    pytest.param(*row, id=row[0][:60])
    for row in re.findall(r"^\| (?!the guide)(.+?) \| (.+?) \| ([^|\d]+?) \|$", PAGE, flags=re.MULTILINE)
]


def rows(section: str) -> list[str]:
    """The rows of the table below a heading."""
    return re.findall(r"^\| (?!the guide)", PAGE.split(f"## {section}\n", 1)[1].split("\n## ", 1)[0], re.M)


def named(text: str) -> list[str]:
    """What stands in backticks as a command, a test or a file of ours."""
    words = re.findall(r"`([^`]+)`", text)
    places = ("src/", "tests/", "docs/", "perf/", "monitoring/", "deploy/", "examples/", "scripts/", "bench/")
    return [word for word in words if word.startswith((*places, "pack2 ", "adaf ", "make "))]


@cache
def collected(file: Path) -> frozenset[str]:
    """The names that pytest collects in a file."""
    if not file.is_file():
        return frozenset()
    defined = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    names = {node.name for node in defined if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    return frozenset(name for name in names if name.startswith("test_"))


def runs(command: str) -> bool:
    """The command is there with its subcommands, and so are its options."""
    program, *words = command.split()
    if program == "make":
        return re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), re.M) is not None
    app: App = PROGRAMS[program]
    while words and words[0] in app and not words[0].startswith("-"):
        app = app[words.pop(0)]
    if app.default_command is None:
        return False
    if command.startswith("pack2 loadtest ") and words[0] in KINDS:
        words.pop(0)
    options = {name for argument in app.assemble_argument_collection() for name in argument.names}
    return all(word in options for word in words if word.startswith("-"))


def exists(name: str) -> bool:
    """Whether a command, a test or a file of that name is there."""
    if name.split()[0] in {*PROGRAMS, "make"}:
        return runs(name)
    file, _, test = name.partition("::")
    return test in collected(ROOT / file) if test else (ROOT / file).exists()


@pytest.mark.parametrize("section", GUIDE)
def test_no_line_of_the_guide_is_dropped(section: str) -> None:
    """As many rows as the guide has lines below the headings that the table answers."""
    assert len(rows(section)) == sum(GUIDE[section].values())


def test_no_heading_of_the_guide_is_dropped() -> None:
    """Each is on the page with its table and how many rows it has there: at least one."""
    expected = [(head, table, str(n)) for table, heads in GUIDE.items() for head, n in heads.items()]
    assert re.findall(r"^\| (.+?) \| (.+?) \| (\d+) \|$", PAGE, flags=re.MULTILINE) == expected
    assert "0" not in {rows_of_it for _, _, rows_of_it in expected}


def test_every_row_is_read() -> None:
    """A row that is not written like the others would escape the tests below."""
    assert len(ROWS) == sum(sum(heads.values()) for heads in GUIDE.values())
    assert re.findall(r"^## (.+)$", PAGE, flags=re.MULTILINE) == ["The guide's headings", *GUIDE]


@pytest.mark.parametrize(("guide", "here", "state"), ROWS)
def test_a_row_names_what_is_there(guide: str, here: str, state: str) -> None:
    """Commands, tests and files exist, or the row says that they are to come."""
    missing = [name for name in named(here) if not exists(name)]
    assert state in {"done", "judged", "to come", "left out"}
    if state != "to come":
        assert missing == []
    if state in {"done", "judged"} and here != "the same":
        assert named(here) or "](" in here, "nothing shows it"
    assert (state == "left out") == here.startswith("left out: ")


def test_every_link_leads_somewhere() -> None:
    """A relative link names a file that is there."""
    links = re.findall(r"\]\(((?!http)[^)#]+)\)", PAGE)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


@pytest.mark.parametrize(
    "name",
    [
        "pack2 fly",
        "pack2 cache fly",
        "pack2 cache purge --fly",
        "make fly",
        "docs/fly.md",
        "tests/docs/test_guide_map.py::test_fly",
    ],
)
def test_what_is_not_there_is_noticed(name: str) -> None:
    """The tests above can fail."""
    assert not exists(name)
