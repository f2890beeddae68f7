"""`pack2 feed` as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

CONFIG = """
[[cache.feed]]
table = "books"
tags = ["book:{id}"]
"""


def pack2(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("pack2")), "feed", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.fixture
def folder(tmp_path: Path, database: str) -> Path:
    (tmp_path / "pack2.toml").write_text(CONFIG)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE books (id int PRIMARY KEY)")
    return tmp_path


def test_status_apply_status_rollback(folder: Path, database: str) -> None:
    """Missing is exit 1, applied is exit 0, and rollback leaves nothing."""
    where = ("--database-url", database, "--json")
    before = pack2(folder, "status", *where)
    assert (before.returncode, {one["state"] for one in json.loads(before.stdout)}) == (1, {"missing"})
    applied = pack2(folder, "apply", *where)
    assert (applied.returncode, len(json.loads(applied.stdout))) == (0, 4)
    assert pack2(folder, "status", *where).returncode == 0
    assert json.loads(pack2(folder, "rollback", *where).stdout) == {"removed": 4}
    assert pack2(folder, "status", *where).returncode == 1


def test_a_table_fits_a_hundred_columns(folder: Path, database: str) -> None:
    """Without --json it is read by people."""
    shown = pack2(folder, "apply", "--database-url", database).stdout
    assert "public.books" in shown
    assert all(len(line) <= 100 for line in shown.splitlines())


def test_an_unknown_table_is_one_line_and_exit_2(folder: Path, database: str) -> None:
    """It says where to correct it."""
    (folder / "pack2.toml").write_text(CONFIG.replace("books", "nowhere"))
    done = pack2(folder, "apply", "--database-url", database)
    assert done.returncode == 2
    assert done.stderr.startswith("error: The change feed of nowhere can not be made: there is no such table")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["apply", "rollback", "status"])
def test_help_shows_an_example(folder: Path, command: str) -> None:
    """That can be pasted."""
    assert f"pack2 feed {command} --database-url" in " ".join(pack2(folder, command, "--help").stdout.split())
