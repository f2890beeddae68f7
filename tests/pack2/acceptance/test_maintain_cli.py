"""`pack2 maintain` as an operator runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg

PACK2 = Path(sys.executable).parent / "pack2"


def pack2(*arguments: str, url: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DATABASE_URL": url, "COLUMNS": "100"}
    return subprocess.run([PACK2, *arguments], env=environment, capture_output=True, text=True)


def test_maintain_plans_does_and_then_has_nothing_to_do(database: str) -> None:
    """A dry run exits 1 while something is to be done; after the work there is nothing left."""
    with psycopg.connect(database) as connection:
        # Autovacuum, which may come at any time, would do the work first.
        connection.execute(
            "CREATE TABLE notes WITH (autovacuum_enabled = false) AS SELECT n FROM generate_series(1, 500) n"
        )
    dry = pack2("maintain", "--dry-run", "--json", url=database)
    assert dry.returncode == 1, dry.stderr
    (task,) = json.loads(dry.stdout)
    assert task["state"] == "planned"
    assert task["finding"]["statement"] == "ANALYZE public.notes"
    done = pack2("maintain", url=database)
    assert done.returncode == 0, done.stderr
    assert "public.notes" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    again = pack2("maintain", url=database)
    assert (again.returncode, again.stdout.startswith("Nothing to do")) == (0, True)


def test_an_unreachable_database_is_one_line(database: str) -> None:
    """The error names the server without its password and says what to do."""
    answer = pack2("maintain", url="postgresql://someone:secret@127.0.0.1:1/none")
    assert answer.returncode == 2
    assert "secret" not in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
