"""`adaf load`, `adaf users` and `adaf import` as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from argon2 import PasswordHasher

from adaf.sample.holdings import VERSION

_PROGRAM = "from adaf.cli import main; main()"


def _adaf(folder: Path, database: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DATABASE_URL": database}
    environment.pop("ADAF_TEST_PASSWORD", None)
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory, with a state folder of its own."""
    return tmp_path


def test_load_then_load_again(folder: Path, database: str) -> None:
    """The first load tells the rows, the second that they are there; both succeed."""
    first = _adaf(folder, database, "load", "--size", "tiny", "--json")
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["rows"]["market_data"] == 34_560
    second = _adaf(folder, database, "load", "--size", "tiny")
    assert (second.returncode, second.stdout.strip()) == (
        0,
        f"already loaded: tiny (seed 7, version {VERSION})",
    )


def test_a_refusal_is_one_line_and_exit_code_2(folder: Path, sample_copy: str) -> None:
    """Another sample without --replace: one line on stderr that names the way out."""
    refused = _adaf(folder, sample_copy, "load", "--size", "tiny", "--seed", "8")
    assert (refused.returncode, refused.stdout) == (2, "")
    errors = [line for line in refused.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "--replace" in errors[0]


def test_users_shows_passwords_only_when_asked(folder: Path, sample_copy: str) -> None:
    """Names and the place of the passwords are told; passwords only with --show-passwords, and they are
    valid.
    """
    assert _adaf(folder, sample_copy, "load", "--size", "tiny").returncode == 0
    secrets = json.loads((folder / ".pack2" / "secrets.json").read_text(encoding="utf-8"))
    plain = _adaf(folder, sample_copy, "users")
    assert "trader@adaf.test" in plain.stdout
    assert "secrets.json" in plain.stdout
    assert not any(secret in plain.stdout for secret in secrets.values())
    shown = json.loads(_adaf(folder, sample_copy, "users", "--show-passwords", "--json").stdout)
    assert {each["name"]: each["password"] for each in shown} == {
        each["name"]: secrets[each["name"]] for each in shown
    }


def test_reset_gives_one_sign_in_a_new_password(folder: Path, sample_copy: str) -> None:
    """The new password is the valid one, and the others stay."""
    assert _adaf(folder, sample_copy, "load", "--size", "tiny").returncode == 0
    path = folder / ".pack2" / "secrets.json"
    before = json.loads(path.read_text(encoding="utf-8"))
    assert _adaf(folder, sample_copy, "users", "--reset", "trader").returncode == 0
    after = json.loads(path.read_text(encoding="utf-8"))
    assert {name for name in before if before[name] != after[name]} == {"trader"}
    with psycopg.connect(sample_copy) as connection:
        row = connection.execute(
            "SELECT password_hash FROM users WHERE email = 'trader@adaf.test'"
        ).fetchone()
    assert row is not None
    assert PasswordHasher().verify(row[0], after["trader"])


def test_users_of_an_empty_database(folder: Path, database: str) -> None:
    """Nobody can sign in yet: the message says what to run."""
    told = _adaf(folder, database, "users")
    assert told.returncode == 2
    assert "Run `adaf load` first" in told.stderr


def test_import_tells_bad_lines(folder: Path, sample_copy: str) -> None:
    """A file with a bad line is refused with its number, and exit code 2."""
    (folder / "bad.csv").write_text(
        "unix,open,high,low,close,volume\n1791021600,1,2,3,4,5\n", encoding="utf-8"
    )
    told = _adaf(folder, sample_copy, "import", "bad.csv", "--symbol", "BTC")
    assert told.returncode == 2
    assert "line 2: open or close is below low" in told.stderr


def test_import_tells_what_it_did(folder: Path, sample_copy: str) -> None:
    """A good file is imported and summed up in one line."""
    (folder / "good.csv").write_text(
        "unix,open,high,low,close,volume\n1791021600,3,4,2,3,5\n", encoding="utf-8"
    )
    told = _adaf(folder, sample_copy, "import", "good.csv", "--symbol", "BTC")
    assert told.stdout.strip() == "imported 1 bars of BTC, 2026-10-03 10:00 to 2026-10-03 10:00 UTC"
