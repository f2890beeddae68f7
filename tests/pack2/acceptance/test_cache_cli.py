"""`pack2 cache` as an operator runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACK2 = Path(sys.executable).parent / "pack2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pack2.toml").write_text('[cache]\nnamespace = "shop"\n')
    return tmp_path


def pack2(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, **environment}
    return subprocess.run([PACK2, *arguments], cwd=folder, env=variables, capture_output=True, text=True)


def test_status_and_every_kind_of_purge(folder: Path, database: str, redis_url: str) -> None:
    """Each prints what it counted, as a line or as JSON."""
    urls = {"DATABASE_URL": database, "REDIS_URL": redis_url}
    shown = pack2(folder, "cache", "status", **urls)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("0 entries, 0 B, in shop:")
    for which in (["--expired"], ["--tags", "a,b"], ["--all"]):
        done = pack2(folder, "cache", "purge", *which, "--json", **urls)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["tags"] == (2 if "--tags" in which else 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Say what to purge"),
        (["--all", "--expired"], "Say what to purge"),
        (["--tags", "*"], "is not one"),
    ],
)
def test_what_can_not_be_meant_is_refused(
    folder: Path, database: str, redis_url: str, arguments: list[str], message: str
) -> None:
    """Nothing is deleted by a command that does not say what."""
    done = pack2(folder, "cache", "purge", *arguments, DATABASE_URL=database, REDIS_URL=redis_url)
    assert done.returncode == 2
    assert message in done.stderr


def test_an_unreachable_redis_is_one_line_without_its_password(folder: Path, database: str) -> None:
    """It names the server and what to check."""
    url = "redis://someone:secret@127.0.0.1:1"
    done = pack2(folder, "cache", "purge", "--expired", DATABASE_URL=database, REDIS_URL=url)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "127.0.0.1:1" in done.stderr
    assert "secret" not in done.stderr
