"""The statements that cost most, from a real pg_stat_statements."""

from __future__ import annotations

import psycopg
import pytest

from pack2.database.connection import database_of, with_database
from pack2.database.errors import StatementsMissingError
from pack2.database.slow import slow


def test_statements_come_by_cost_with_their_names(database: str) -> None:
    """The costly statement comes first, under the name of its comment, without its literals."""
    with psycopg.connect(database) as connection:
        connection.execute(
            "SELECT /* of_all_numbers */ count(*) FROM generate_series(1, 300000) n WHERE n <> 4711"
        )
        connection.execute("SELECT 'a secret' || 1")
    statements = slow(database, limit=50)
    assert [one.total_milliseconds for one in statements] == sorted(
        (one.total_milliseconds for one in statements), reverse=True
    )
    assert statements[0].name == "of_all_numbers"
    assert statements[0].calls == 1
    assert "4711" not in statements[0].text
    assert 0 < sum(one.share_ratio for one in statements) <= 1.000001
    assert not any("secret" in one.text for one in statements)


def test_the_limit_holds(database: str) -> None:
    """No more statements than asked for."""
    with psycopg.connect(database) as connection:
        connection.execute("SELECT 1")
        connection.execute("SELECT 1, 2")
    assert len(slow(database, limit=1)) == 1


def test_a_missing_extension_names_the_statement(database: str) -> None:
    """Without the extension the error says what to run."""
    bare = f"{database_of(database)}_bare"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {bare} TEMPLATE template0")
        with pytest.raises(StatementsMissingError, match="CREATE EXTENSION pg_stat_statements;"):
            slow(with_database(database, bare))
        connection.execute(f"DROP DATABASE {bare}")
