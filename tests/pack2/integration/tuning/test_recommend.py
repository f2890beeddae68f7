"""Recommendations from a real server's own statistics."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from pack2.database.connection import connect, database_of, with_database
from pack2.database.errors import StatementsMissingError
from pack2.proof.processors import usable_cores
from pack2.tuning.database import of_database
from pack2.tuning.servers import of_workers

SCHEMA = """
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE TABLE trades (id bigint PRIMARY KEY, owner integer NOT NULL, at integer NOT NULL);
INSERT INTO trades SELECT n, n % 5000, n FROM generate_series(1, 60000) n;
CREATE TABLE few AS SELECT n AS owner FROM generate_series(1, 50) n;
"""


@pytest.fixture
def shop(database: str) -> str:
    with connect(database) as connection:
        connection.execute("SET synchronous_commit = on")
        connection.execute(SCHEMA)
        connection.execute("VACUUM ANALYZE trades")
        connection.execute("VACUUM ANALYZE few")
    return database


def ask(url: str, query: str, times: int = 6) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(times):
            connection.execute(query, (number,))


def test_a_missing_index_is_found_from_the_workload_and_gone_once_built(shop: str) -> None:
    """The statement that reads the whole table names its index; built, nothing is left to say."""
    ask(shop, "SELECT id FROM trades WHERE owner = %s AND at > 100 ORDER BY at")
    (found,) = [one for one in of_database(shop) if one.area == "index"]
    assert found.subject == "public.trades (owner, at)"
    assert "6 calls" in found.evidence
    with connect(shop) as connection:
        connection.execute(found.command)
    assert [one for one in of_database(shop) if one.area == "index"] == []


def test_small_tables_and_rare_statements_need_no_index(shop: str) -> None:
    """Fifty rows are read at once, and two calls are no workload."""
    ask(shop, "SELECT count(*) FROM few WHERE owner = %s")
    ask(shop, "SELECT id FROM trades WHERE at = %s", times=2)
    assert [one for one in of_database(shop) if one.area == "index"] == []


def test_what_pack2_itself_writes_is_not_advised_against(shop: str) -> None:
    """Filling a rollup is slow once, on purpose; the same statement of somebody else is told."""
    with psycopg.connect(shop, autocommit=True) as connection:
        for table in ("pack2_tuning.sums", "shop.totals"):
            connection.execute(f"CREATE SCHEMA {table.partition('.')[0]}")
            connection.execute(f"CREATE TABLE {table} (n bigint)")
            for _ in range(5):
                connection.execute(f"INSERT INTO {table} SELECT 1 FROM pg_sleep(0.11)")
    (found,) = [one for one in of_database(shop) if one.area == "query"]
    assert "shop.totals" in found.subject


def test_the_processes_of_the_application_are_counted(shop: str) -> None:
    """By the connections on which they listen; without one there is nothing to say."""
    assert of_workers(shop) == ()
    count = 2 * len(usable_cores()) + 1
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(psycopg.connect(shop, application_name="pack2 change feed"))
        (found,) = of_workers(shop)
    assert f"{count} processes" in found.evidence


def test_no_value_of_a_user_is_shown(shop: str) -> None:
    """A literal that PostgreSQL kept in a statement's text is not printed."""
    with psycopg.connect(shop, autocommit=True) as connection:
        for _ in range(6):
            connection.execute("SELECT id FROM trades WHERE owner = 4711 AND 'a secret' <> 'b'")
    text = str(of_database(shop))
    assert "trades (owner)" in text
    assert "4711" not in text
    assert "secret" not in text


def test_without_the_extension_the_error_says_what_to_run(database: str) -> None:
    """Nothing is guessed where nothing was measured."""
    bare = f"{database_of(database)}_bare"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {bare} TEMPLATE template0")
        with pytest.raises(StatementsMissingError, match="CREATE EXTENSION pg_stat_statements"):
            of_database(with_database(database, bare))
        connection.execute(f"DROP DATABASE {bare}")


def test_the_command_prints_one_list_and_json(shop: str, redis_url: str, tmp_path: Path) -> None:
    """Exit code 1 where there is something to do; every line has its evidence and its command."""
    ask(shop, "SELECT id FROM trades WHERE owner = %s")
    (tmp_path / "pack2.toml").write_text("")
    environment = {**os.environ, "DATABASE_URL": shop, "REDIS_URL": redis_url}
    command = [sys.executable, "-m", "pack2", "recommend"]
    answer = subprocess.run(
        [*command, "--json"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert answer.returncode == 1, answer.stderr
    for one in json.loads(answer.stdout):
        assert one["evidence"]
        assert one["command"]
    shown = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True).stdout
    assert "CREATE INDEX CONCURRENTLY" in shown
    assert max(map(len, shown.splitlines())) <= 100
