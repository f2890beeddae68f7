"""Rollups of other kinds than candles: plain tables, other keys and types, unfinished states."""

from __future__ import annotations

import pytest
from psycopg import errors as pg
from rollup_series import Connection, connect

from pack2.database import rollups
from pack2.database.connection import connect as admin
from pack2.database.connection import exclusive
from pack2.database.errors import BusyError, RollupConflictError, UnsupportedViewError
from pack2.database.rollup_catalog import read_view
from pack2.database.rollup_sql import LEDGER, RollupSql
from pack2.database.rollup_verify import verify

SALES = """
CREATE SCHEMA shop;
CREATE TABLE shop."Sales" (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "Region" text NOT NULL,
    at timestamp NOT NULL,
    amount numeric(12, 2),
    is_void boolean NOT NULL DEFAULT false
);
CREATE VIEW shop."order" AS
SELECT "Region", date_trunc('month', at) AS month, sum(amount) AS amount, count(amount) AS paid,
       bool_or(amount > 100) AS has_large, string_agg(amount::text, ',' ORDER BY id) AS listed,
       round(avg(amount), 3) AS mean
FROM shop."Sales" WHERE NOT is_void GROUP BY "Region", date_trunc('month', at);
CREATE VIEW shop.hours AS
SELECT date_bin('1 hour', at, '2000-01-01') AS hour, sum(amount) AS amount, max(amount) AS most
FROM shop."Sales" GROUP BY 1;
INSERT INTO shop."Sales" ("Region", at, amount)
SELECT (ARRAY['north', 'a''b', ''])[1 + n % 3], timestamp '2026-01-30' + n * interval '1 hour', n
FROM generate_series(1, 100) n;
"""
VIEWS = ('shop."order"', "shop.hours")
INSERT = """INSERT INTO shop."Sales" ("Region", at, amount) VALUES (%s, %s, %s)"""


@pytest.fixture
def shop(database: str) -> str:
    """Sales in a plain table, with names that must be quoted, and two rollups."""
    with connect(database) as connection:
        connection.execute(SALES)
    rollups.apply(database, VIEWS)
    return database


def is_right(url: str) -> bool:
    """Whether all rollups equal their views."""
    return verify(url, rounds=1).is_right


def test_any_types_and_names(shop: str) -> None:
    """Text keys, numeric sums, months, quoted names and a predicate that rows move in and out of."""
    assert is_right(shop)
    with connect(shop) as connection:
        connection.execute(INSERT, ("north", "2026-02-10", 250))
        connection.execute(INSERT, ("south", "2026-03-10", None))
        connection.execute("""UPDATE shop."Sales" SET is_void = NOT is_void WHERE id % 5 = 0""")
        connection.execute(
            """UPDATE shop."Sales" SET "Region" = 'moved', at = at + interval '20 days' WHERE id = 7"""
        )
        connection.execute("""DELETE FROM shop."Sales" WHERE "Region" = ''""")
        row = connection.execute("""SELECT count(*) FROM shop."order" WHERE "Region" = ''""").fetchone()
    assert row == (0,)
    assert is_right(shop)


def test_ingestion_is_timed_where_an_identity_is_generated(shop: str) -> None:
    """The newest batch is inserted again without its generated columns."""
    (cost,) = verify(shop, rounds=2).costs
    assert cost.rows == 1


def test_an_append_is_merged_and_not_read_again(shop: str) -> None:
    """A value put into the table by its owner survives an append: the bucket was not aggregated anew."""
    with connect(shop) as connection:
        connection.execute(
            "UPDATE shop.hours SET amount = 1000 WHERE hour = (SELECT max(hour) FROM shop.hours)"
        )
        connection.execute(INSERT, ("north", "2026-02-03 04:30", 5))
        merged = connection.execute("SELECT amount FROM shop.hours ORDER BY hour DESC LIMIT 1").fetchone()
        connection.execute(INSERT, ("north", "2026-02-03 04:10", 7))
        again = connection.execute("SELECT amount FROM shop.hours ORDER BY hour DESC LIMIT 1").fetchone()
    assert merged == (1005,)
    assert again == (112,)
    assert is_right(shop)


def test_a_rolled_back_write_leaves_nothing(shop: str) -> None:
    """A rollback, of all or to a savepoint, takes the rollup's change back too."""
    with connect(shop) as connection:
        connection.execute("BEGIN")
        connection.execute(INSERT, ("north", "2026-05-01", 1))
        connection.execute("SAVEPOINT s")
        connection.execute(INSERT, ("north", "2026-06-01", 1))
        connection.execute("ROLLBACK TO s")
        connection.execute(INSERT, ("north", "2026-05-01", 1))
        connection.execute("COMMIT")
        connection.execute("BEGIN")
        connection.execute("""DELETE FROM shop."Sales" """)
        connection.execute("ROLLBACK")
    assert is_right(shop)


def test_an_open_writer_elsewhere_makes_nothing_wrong(shop: str) -> None:
    """While another transaction is open no bucket is merged; the result is the same."""
    with connect(shop) as other, connect(shop) as connection:
        other.execute("BEGIN")
        other.execute(INSERT, ("north", "2026-08-01", 1))
        connection.execute(INSERT, ("north", "2026-02-03 04:30", 5))
        connection.execute(INSERT, ("north", "2026-02-03 04:40", 6))
        assert is_right_now(connection)
        other.execute("COMMIT")
    assert is_right(shop)


def is_right_now(connection: Connection) -> bool:
    """Whether the hours are right in the snapshot of this connection."""
    row = connection.execute(
        "SELECT count(*) FROM (TABLE shop.hours EXCEPT TABLE pack2_tuning.hours_view) d"
    ).fetchone()
    return row == (0,)


def test_repeatable_read_alone_goes_through(shop: str) -> None:
    """A writer under REPEATABLE READ that nobody disturbs writes as ever."""
    with connect(shop) as connection:
        for _ in range(2):
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            connection.execute(INSERT, ("north", "2026-02-03 04:30", 5))
            connection.execute("COMMIT")
    assert is_right(shop)


def test_a_vanished_bucket_is_noticed_by_an_older_snapshot(shop: str) -> None:
    """Where the bucket's row is gone, the mark of its shard stops the writer with the older snapshot."""
    with connect(shop) as one, connect(shop) as other:
        one.execute(INSERT, ("north", "2026-09-01 00:10", 5))
        other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        other.execute("""SELECT count(*) FROM shop."Sales" """)
        one.execute("""DELETE FROM shop."Sales" WHERE at = '2026-09-01 00:10'""")
        with pytest.raises(pg.SerializationFailure):
            other.execute(INSERT, ("north", "2026-09-01 00:20", 5))
        other.execute("ROLLBACK")
    assert is_right(shop)


def test_an_unfinished_apply_is_completed(database: str) -> None:
    """Table and triggers stand, some writes came, nothing is filled: apply completes it."""
    begin(database)
    with connect(database) as connection:
        connection.execute(INSERT, ("north", "2026-02-03 04:30", 5))
    assert [done.outcome for done in rollups.apply(database, ["shop.hours"])] == ["completed"]
    assert is_right(database)


def test_an_unfinished_apply_can_be_taken_back(database: str) -> None:
    """Rollback removes what an unfinished apply made; the view was never touched."""
    begin(database)
    assert [done.outcome for done in rollups.rollback(database)] == ["removed"]
    with connect(database) as connection:
        connection.execute(INSERT, ("north", "2026-02-03 04:30", 5))
        row = connection.execute("SELECT relkind FROM pg_class WHERE oid = 'shop.hours'::regclass").fetchone()
        left = connection.execute(
            "SELECT count(*) FROM pg_class"
            " WHERE relnamespace = 'pack2_tuning'::regnamespace AND relname LIKE 'hours%'"
        ).fetchone()
    assert row == ("v",)
    assert left == (0,)


def begin(url: str) -> None:
    """The first transaction of an apply, as a killed run leaves it."""
    with connect(url) as connection:
        connection.execute(SALES)
    with admin(url) as connection:
        connection.execute(LEDGER)
        sql = RollupSql(read_view(connection, "shop.hours"), "pack2_tuning.hours_table")
        with connection.transaction():
            rollups._begin(connection, sql)


def test_a_quoted_name_is_found_again(shop: str) -> None:
    """Apply and rollback take a name as SQL writes it, with its quotes and with or without its schema."""
    assert [done.outcome for done in rollups.apply(shop, VIEWS)] == ["present", "present"]
    assert [done.outcome for done in rollups.rollback(shop, ['"order"'])] == ["removed"]
    with pytest.raises(UnsupportedViewError, match="no name"):
        rollups.apply(shop, ["no name at all"])


def test_two_views_of_one_name_are_told(shop: str) -> None:
    """The kept view has a name of its own in schema pack2_tuning: a second rollup of that name is refused."""
    with connect(shop) as connection:
        connection.execute("""CREATE VIEW hours AS SELECT "Region", count(*) FROM shop."Sales" GROUP BY 1""")
    with pytest.raises(RollupConflictError, match="same name"):
        rollups.apply(shop, ["public.hours"])


@pytest.mark.parametrize(
    ("preparation", "reason"),
    [
        ("CREATE TABLE v (a int)", "no plain view"),
        (
            "CREATE TABLE t (a int NOT NULL); CREATE TABLE child () INHERITS (t);"
            "CREATE VIEW v AS SELECT a, count(*) FROM t GROUP BY a",
            "INHERITS",
        ),
        (
            "CREATE TABLE t (a int NOT NULL); ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
            "CREATE VIEW v AS SELECT a, count(*) FROM t GROUP BY a",
            "row security",
        ),
        (
            "CREATE TABLE p (a int NOT NULL) PARTITION BY LIST (a); CREATE TABLE t PARTITION OF p DEFAULT;"
            "CREATE VIEW v AS SELECT a, count(*) FROM t GROUP BY a",
            "one partition",
        ),
        (
            "CREATE TABLE t (a int NOT NULL); CREATE VIEW v WITH (security_invoker = true) AS"
            " SELECT a, count(*) FROM t GROUP BY a",
            "security_invoker",
        ),
        (
            "CREATE TABLE t (a int NOT NULL); CREATE VIEW v AS SELECT a, count(*) FROM t GROUP BY a;"
            "GRANT SELECT (a) ON v TO PUBLIC",
            "column privileges",
        ),
        (
            "CREATE TABLE t (a int NOT NULL); CREATE VIEW v AS SELECT a, max(random() * a) FROM t GROUP BY a",
            "IMMUTABLE",
        ),
        (
            "CREATE TABLE t (a int NOT NULL);"
            "CREATE VIEW v AS SELECT a, count(*) + random() AS n FROM t GROUP BY a",
            "no determined result",
        ),
    ],
)
def test_what_can_not_be_kept_is_refused(database: str, preparation: str, reason: str) -> None:
    """Views that a table with triggers could not equal, or whose rights it could not have, are refused."""
    with connect(database) as connection:
        connection.execute(preparation)
    with pytest.raises(UnsupportedViewError, match=reason):
        rollups.apply(database, ["v"])
    with connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'pack2%'").fetchone()
    assert row == (0,)


def test_a_second_run_names_the_first(shop: str) -> None:
    """While one run of `pack2 rollup` is at work another waits, and says for which process."""
    with (
        admin(shop) as connection,
        exclusive(connection, "rollup"),
        pytest.raises(BusyError, match=f"process {connection.info.backend_pid}"),
    ):
        rollups.apply(shop, VIEWS, wait_seconds=0)


def test_ingestion_is_timed_with_nulls_in_the_newest_batch(shop: str) -> None:
    """A newest row with a null is taken away and inserted again like any other."""
    with connect(shop) as connection:
        connection.execute("""ALTER TABLE shop."Sales" ADD UNIQUE ("Region", at)""")
        connection.execute(INSERT, ("north", "2026-12-01", None))
        connection.execute(INSERT, ("south", "2026-12-01", 1))
    found = verify(shop, rounds=2)
    assert [cost.rows for cost in found.costs] == [2]
    assert found.is_right
