"""The rules of the house that a reader would otherwise have to check by eye."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from adaf.cli import app as adaf_app
from pack2.cli import app as pack2_app

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "src").rglob("*.py"))
MOST_LINES = 400
STANDARD = {"--help", "-h", "--version"}
HOSTS = re.compile(
    r"https?://(?:[\w.-]*\.)?(?:pypi|pythonhosted|artifactory|nexus|npmjs)[\w.-]*", re.IGNORECASE
)


def tracked(*patterns: str) -> list[Path]:
    """Text files of the repository, those that are not committed yet included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def relative(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def test_no_module_is_longer_than_400_lines() -> None:
    """A module has one job and fits into one head."""
    assert relative([path for path in MODULES if len(path.read_text().splitlines()) > MOST_LINES]) == []


def test_every_module_says_why_it_exists() -> None:
    """Each module that holds code starts with a docstring."""
    silent = [
        path for path in MODULES if (tree := ast.parse(path.read_text())).body and not ast.get_docstring(tree)
    ]
    assert relative(silent) == []


def test_pack2_never_imports_the_dashboard() -> None:
    """Pack 2 is a product of its own."""
    pattern = re.compile(r"^\s*(?:from|import) adaf\b", re.MULTILINE)
    guilty = [path for path in (ROOT / "src/pack2").rglob("*.py") if pattern.search(path.read_text())]
    assert relative(guilty) == []


def test_the_import_contracts_hold() -> None:
    """import-linter checks what a pattern cannot: indirect imports."""
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_names_a_registry() -> None:
    """The same repository installs from any registry: none is written down."""
    suffixes = {".py", ".toml", ".lock", ".sh", ".md", ".yaml", ".yml", ".cfg", ".txt", ""}
    guilty = [
        path
        for path in tracked()
        if path.suffix in suffixes and HOSTS.search(path.read_text(errors="replace"))
    ]
    assert relative([path for path in guilty if path != Path(__file__)]) == []


def test_every_test_states_its_rule() -> None:
    """A test's docstring is one sentence of the specification."""
    silent = [
        f"{path.relative_to(ROOT)}::{node.name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_no_test_waits_by_sleeping() -> None:
    """A sleep is no synchronisation: tests wait for what they need; polling steps are below 0.1 s.

    A pause that is itself what is tested says so on its line; the deep tier stops processes for a while.
    """
    pattern = re.compile(r"\b(?:time|asyncio)\.sleep\((?!0\))(?!0\.0\d*\))")
    guilty = [
        path
        for path in (ROOT / "tests").rglob("test_*.py")
        if "mark.deep" not in path.read_text()
        and any(pattern.search(line) and "is the point" not in line for line in path.read_text().splitlines())
    ]
    assert relative(guilty) == []


def commands() -> list[tuple[str, ...]]:
    """Every console command with its subcommands, as one would type it."""
    found: list[tuple[str, ...]] = []

    def walk(app: object, path: tuple[str, ...]) -> None:
        names = [name for name in app if name not in STANDARD]  # type: ignore[attr-defined]
        if path[1:]:
            found.append(path)
        for name in names:
            walk(app[name], (*path, name))  # type: ignore[index]

    walk(pack2_app, ("pack2",))
    walk(adaf_app, ("adaf",))
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_explains_itself(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` of a command or a group shows what it does and an example."""
    app = {"pack2": pack2_app, "adaf": adaf_app}[command[0]]
    app([*command[1:], "--help"], result_action="return_value")
    text = capsys.readouterr().out
    assert "Usage:" in text
    assert re.search(rf"Example: .*\b{command[0]} {command[1]}\b", " ".join(text.split()))
