"""`--help` lists the commands without importing what they work with."""

from __future__ import annotations

import subprocess
import sys
from inspect import cleandoc

import pytest
from cyclopts import App

from adaf.cli import app as adaf_app
from pack2.cli import app as pack2_app
from pack2.cli import run

HEAVY = {"numpy", "psycopg", "redis", "asyncpg", "playwright", "litestar", "postgast"}


def said_by(command: App) -> str:
    """The first paragraph of the help of an imported command."""
    return " ".join(cleandoc(command.help).split("\n\n")[0].split())


@pytest.mark.parametrize("app", [pack2_app, adaf_app], ids=["pack2", "adaf"])
def test_each_command_is_listed_with_what_it_says(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    """The line that is read from the source is the one that the command itself prints."""
    assert run(app, ["--help"]) == 0
    listed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    names = [name for name in app if not name.startswith("-")]
    assert len(names) > 5
    for name in names:
        assert f" {name} {said_by(app[name])} " in listed


@pytest.mark.parametrize("program", ["pack2", "adaf"])
def test_the_list_imports_no_command(program: str) -> None:
    """What takes a second to import is not needed for a list."""
    code = f"import sys; from {program}.cli import app, run; run(app, ['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage:" in done.stdout
    assert set(done.stdout.splitlines()[-1].split()) & HEAVY == set()
