"""`pack2 indexes`, `pack2 rollup` and `pack2 slow` as a user types them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pack2.cli import app, run

SCHEMA = """
CREATE TABLE trades
    (id bigint PRIMARY KEY, owner integer NOT NULL, at timestamptz NOT NULL, note text NOT NULL);
INSERT INTO trades SELECT n, n % 500, timestamptz '2026-01-01Z' + n * interval '1 minute', repeat('x', 100)
FROM generate_series(1, 20000) n;
CREATE VIEW per_owner AS SELECT owner, count(*) AS trades, max(at) AS last FROM trades GROUP BY owner;
"""
QUERIES = """\
-- name: of_owner
-- sample: SELECT DISTINCT owner FROM trades WHERE owner < 5 ORDER BY owner
SELECT at, note FROM trades WHERE owner = $1 ORDER BY at DESC LIMIT 5;
"""
INDEXES = """\
-- serves: of_owner
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_trades_owner ON trades (owner, at DESC);

-- serves: of_owner
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_trades_note ON trades (note);
"""
CONFIG = """\
indexes = "indexes.sql"
rollups = [{ view = "per_owner" }]

[application]
command = ["true"]
load = ["true"]
queries = ["queries/*.sql"]
"""


@pytest.fixture
def project(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder: configuration, queries, indexes, and a database by environment."""
    (tmp_path / "pack2.toml").write_text(CONFIG)
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "trades.sql").write_text(QUERIES)
    (tmp_path / "indexes.sql").write_text(INDEXES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("COLUMNS", "100")
    with psycopg.connect(database) as connection:
        connection.execute(SCHEMA)
    return tmp_path


def pack2(capsys: pytest.CaptureFixture[str], *tokens: str) -> tuple[int, str]:
    """Exit code and standard output of one command."""
    code = run(app, list(tokens))
    return code, capsys.readouterr().out


def data(capsys: pytest.CaptureFixture[str], *tokens: str) -> Any:
    """What a command prints as JSON."""
    return json.loads(pack2(capsys, *tokens, "--json")[1])


@pytest.mark.usefixtures("project")
def test_indexes_are_applied_watched_and_taken_back(capsys: pytest.CaptureFixture[str]) -> None:
    """apply, usage and rollback print a table, or JSON when told, and exit with 0."""
    code, text = pack2(capsys, "indexes", "apply")
    assert code == 0
    assert text.count("built") == 2
    assert all(len(line) <= 100 for line in text.splitlines())
    assert {one["outcome"] for one in data(capsys, "indexes", "apply")} == {"present"}
    listed = data(capsys, "indexes", "usage")["indexes"]
    assert "public.idx_trades_owner" in {one["name"] for one in listed}
    code, text = pack2(capsys, "indexes", "usage")
    assert code == 0
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "│ idx_trades_owner " in text
    assert "dropped" in pack2(capsys, "indexes", "rollback", "idx_trades_note")[1]
    assert [one["name"] for one in data(capsys, "indexes", "rollback")] == ["idx_trades_owner"]


def test_verify_exits_with_one_until_what_does_not_pay_is_gone(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1 names the index; --write-rejected takes it out and lists it; then the exit code is 0."""
    code, text = pack2(capsys, "indexes", "verify", "--budget-seconds", "0")
    assert code == 1
    assert "1 of 2 indexes pay" in text
    assert pack2(capsys, "indexes", "verify", "--budget-seconds", "0", "--write-rejected")[0] == 0
    assert "idx_trades_note" not in (project / "indexes.sql").read_text()
    assert "idx_trades_note" in (project / "rejected.md").read_text()
    found = data(capsys, "indexes", "verify", "--budget-seconds", "0")
    assert [verdict["pays"] for verdict in found["indexes"]] == [True]


def test_a_rollup_comes_is_verified_and_goes(
    project: Path, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """apply, verify and rollback; a difference is exit 1."""
    assert "built" in pack2(capsys, "rollup", "apply")[1]
    assert pack2(capsys, "rollup", "verify")[0] == 0
    with psycopg.connect(database) as connection:
        connection.execute("DELETE FROM per_owner WHERE owner = 1")
    code, text = pack2(capsys, "rollup", "verify")
    assert code == 1
    assert "the view has" in " ".join(text.split())
    assert "removed" in pack2(capsys, "rollup", "rollback")[1]


@pytest.mark.usefixtures("project")
def test_a_name_is_never_cut(capsys: pytest.CaptureFixture[str], database: str) -> None:
    """A name of the longest kind goes on in the next line: one has to be able to type it."""
    name = "idx_" + "trades_owner_at_note_"[:20] * 2 + "x" * 19
    with psycopg.connect(database) as connection:
        connection.execute(f"CREATE INDEX {name} ON trades (owner, at, note)")
    text = pack2(capsys, "indexes", "usage")[1]
    rows = [[cell.strip() for cell in line.split("│")] for line in text.splitlines() if "│" in line]
    assert {len(row) for row in rows} == {8}
    assert name in "".join(row[1] for row in rows)
    assert "never used" in " ".join(row[6] for row in rows)


@pytest.mark.usefixtures("project")
def test_a_reader_that_leaves_is_no_failure() -> None:
    """`pack2 … | head` ends without a traceback, and with the exit code of a broken pipe."""
    command = [sys.executable, "-m", "pack2", "feed", "status", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    assert process.stderr.read() == b""
    assert process.wait(30) == 141


@pytest.mark.usefixtures("project")
def test_slow_prints_the_costly(capsys: pytest.CaptureFixture[str]) -> None:
    """slow prints as many statements as it is told, within 100 columns."""
    assert len(data(capsys, "slow", "--limit", "1")) == 1
    code, text = pack2(capsys, "slow")
    assert code == 0
    assert all(len(line) <= 100 for line in text.splitlines())


def test_failures_are_one_line_and_exit_code_two(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong file, an unknown rollup and an unreachable server say what to do, without a password."""
    (project / "indexes.sql").write_text("SELECT 1;\n")
    assert run(app, ["indexes", "apply"]) == 2
    assert (
        capsys.readouterr().err.splitlines()[-1].startswith("error: indexes.sql:1: this is no CREATE INDEX")
    )
    assert run(app, ["rollup", "rollback", "nothing"]) == 2
    assert "pack2 rollup apply nothing" in capsys.readouterr().err
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/x")
    assert run(app, ["slow"]) == 2
    error = capsys.readouterr().err
    assert re.fullmatch(r"error: \S+ does not answer: .*failed: Connection refused\. Correct .*\n", error)
    assert "secret" not in error
