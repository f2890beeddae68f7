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
LINES_OF_THE_GUIDE = {
    "Overview": 5,
    "Improvements": 11,
    "Files": 10,
    "Deployment": 13,
    "Dashboard": 7,
    "Alerts": 5,
    "Load tests": 13,
    "Maintenance": 5,
    "Automation": 4,
    "Troubleshooting": 8,
    "Regressions": 4,
    "Gains": 10,
    "Security": 7,
    "Checklists after deployment": 16,
    "Roadmap": 6,
    "Routine and documents": 7,
}
ROWS = [
    pytest.param(*row, id=row[0][:60])
    for row in re.findall(r"^\| (?!the guide)(.+?) \| (.+?) \| ([^|]+?) \|$", PAGE, flags=re.MULTILINE)
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


@pytest.mark.parametrize("section", LINES_OF_THE_GUIDE)
def test_no_line_of_the_guide_is_dropped(section: str) -> None:
    """As many rows as the guide has lines on the subject."""
    assert len(rows(section)) == LINES_OF_THE_GUIDE[section]


def test_every_row_is_read() -> None:
    """A row that is not written like the others would escape the tests below."""
    assert len(ROWS) == sum(LINES_OF_THE_GUIDE.values())
    assert re.findall(r"^## (.+)$", PAGE, flags=re.MULTILINE) == list(LINES_OF_THE_GUIDE)


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
