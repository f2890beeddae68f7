"""docs/loadtest.md is kept true: its commands run, its defaults are the code's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pack2.loadtest.profiles import PROFILES
from pack2.loadtest.thresholds import API, CACHE, DATABASE

PAGE = (Path(__file__).parents[2] / "docs/loadtest.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (pack2 .*)$", PAGE, flags=re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_runs(command: str) -> None:
    """What a reader types works as it is written."""
    program, *arguments = command.split()
    done = subprocess.run([Path(sys.executable).parent / program, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


@pytest.mark.parametrize("kind", PROFILES)
def test_each_kind_is_on_the_page_with_its_rate(kind: str) -> None:
    """A default that changes without its line makes the suite fail."""
    (row,) = re.findall(rf"^\| `{kind}` \|.*$", PAGE, flags=re.MULTILINE)
    assert f"{PROFILES[kind].rate:.0f}/s" in row


@pytest.mark.parametrize(
    ("name", "limits"), [("API response", API), ("database", DATABASE), ("cache", CACHE)]
)
def test_each_threshold_is_on_the_page(name: str, limits: tuple[object, ...]) -> None:
    """The table's limits are the ones that are judged."""
    (row,) = re.findall(rf"^\| {name} \| < (\S+) (m?s) \| < (\S+) (m?s) \|", PAGE, flags=re.MULTILINE)
    shown = [float(value) * (1 if unit == "ms" else 1000) for value, unit in (row[:2], row[2:])]
    assert shown == [limit.milliseconds for limit in limits]  # type: ignore[attr-defined]
