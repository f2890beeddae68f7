"""Rollups on a real server: equal to their views whatever is written, undone without a trace."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import errors as pg
from rollup_series import INSERT, NONE, VIEWS, at, connect, differences, make

from pack2.database import rollups
from pack2.database.errors import RollupConflictError, RollupMissingError, UnsupportedViewError
from pack2.database.rollup_verify import verify
from pack2.services import PostgresServer


@pytest.fixture
def series(database: str) -> str:
    """A database with the series and its rollups."""
    make(database)
    rollups.apply(database, VIEWS)
    return database


def test_a_fresh_rollup_is_its_view(series: str) -> None:
    """After apply every row of the table is the row of the view, under the view's name and columns."""
    assert differences(series) == NONE
    with connect(series) as connection:
        row = connection.execute("SELECT relkind FROM pg_class WHERE oid = 'bars_5m'::regclass").fetchone()
        assert row == ("r",)
        columns = connection.execute("SELECT * FROM bars_5m LIMIT 0").description
    assert columns is not None
    assert [column.name for column in columns] == [
        *("asset_id", "bucket", "open", "close", "high", "low", "volume", "bars")
    ]


def test_rollback_gives_the_plain_view_back(series: str) -> None:
    """After rollback the views are views, no trigger or function is left, and apply works again."""
    rollups.rollback(series)
    with connect(series) as connection:
        kinds = connection.execute(
            "SELECT DISTINCT relkind FROM pg_class WHERE relname = ANY (%s)", (list(VIEWS),)
        )
        assert kinds.fetchall() == [("v",)]
        left = connection.execute(
            "SELECT (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'pack2%'),"
            " (SELECT count(*) FROM pg_proc WHERE pronamespace = 'pack2_tuning'::regnamespace)"
        ).fetchone()
        assert left == (0, 0)
    assert [done.outcome for done in rollups.apply(series, VIEWS)] == ["built"] * 3
    assert differences(series) == NONE


def test_apply_again_changes_nothing(series: str) -> None:
    """A second apply finds the rollups present."""
    assert [done.outcome for done in rollups.apply(series, VIEWS)] == ["present"] * 3


def test_a_rollup_that_is_not_there_is_told(series: str) -> None:
    """Rollback of a name that is no rollup names the command that makes one."""
    with pytest.raises(RollupMissingError, match="pack2 rollup apply"):
        rollups.rollback(series, ["nothing"])


def test_a_dependant_is_named(database: str) -> None:
    """A view that others depend on is refused, since they would go on reading the slow view."""
    make(database)
    with connect(database) as connection:
        connection.execute("CREATE VIEW last_5m AS SELECT * FROM bars_5m")
    with pytest.raises(UnsupportedViewError, match="last_5m depends on it"):
        rollups.apply(database, ["bars_5m"])


def test_a_later_dependant_stops_the_rollback(series: str) -> None:
    """A view made on the rollup's table stops the rollback, and is named; nothing has changed then."""
    with connect(series) as connection:
        connection.execute("CREATE VIEW last_5m AS SELECT * FROM bars_5m")
    with pytest.raises(RollupConflictError, match="last_5m"):
        rollups.rollback(series, ["bars_5m"])
    assert differences(series) == NONE


def test_grants_go_to_the_table(database: str, postgres: PostgresServer) -> None:
    """Who may read the view may read the table, and may not write it."""
    make(database)
    with connect(database) as connection:
        connection.execute("GRANT SELECT ON bars_5m TO PUBLIC")
    rollups.apply(database, ["bars_5m"])
    with connect(database) as connection:
        row = connection.execute(
            "SELECT has_table_privilege('pg_monitor', 'bars_5m', 'SELECT'),"
            " has_table_privilege('pg_monitor', 'bars_5m', 'INSERT, UPDATE, DELETE, TRUNCATE')"
        ).fetchone()
    assert row == (True, False)


def test_null_keys_are_refused(database: str) -> None:
    """A group key that may be null could not be a primary key."""
    with connect(database) as connection:
        connection.execute(
            "CREATE TABLE t (a integer, b integer); CREATE VIEW v AS SELECT a, sum(b) FROM t GROUP BY a"
        )
    with pytest.raises(UnsupportedViewError, match="NOT NULL"):
        rollups.apply(database, ["v"])


def test_a_view_that_depends_on_the_session_is_refused(database: str) -> None:
    """date_trunc of a timestamptz without a zone gives other days in other sessions."""
    with connect(database) as connection:
        connection.execute(
            "CREATE TABLE t (at timestamptz NOT NULL);"
            "CREATE VIEW v AS SELECT date_trunc('day', at) AS day, count(*) FROM t GROUP BY 1"
        )
    with pytest.raises(UnsupportedViewError, match="IMMUTABLE"):
        rollups.apply(database, ["v"])


def test_a_partition_attached_later_is_noticed_and_taken_in(series: str) -> None:
    """Verify names a partition without triggers; apply puts them there and takes its rows in."""
    with connect(series) as connection:
        connection.execute("CREATE TABLE bars_2026_03 (LIKE bars INCLUDING ALL)")
        connection.execute("INSERT INTO bars_2026_03 VALUES (1, '2026-03-01 00:01Z', 1, 2, 3)")
        connection.execute(
            "ALTER TABLE bars ATTACH PARTITION bars_2026_03 FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')"
        )
    found = verify(series, ["bars_5m"], rounds=2).rollups[0]
    assert (found.different, found.uncovered_partitions) == (1, ("bars_2026_03",))
    assert {done.outcome for done in rollups.apply(series, VIEWS)} == {"extended"}
    with connect(series) as connection:
        connection.execute("INSERT INTO bars_2026_03 VALUES (1, '2026-03-01 00:02Z', 1, 2, 3)")
    assert differences(series) == NONE


def test_the_cost_of_ingestion_is_measured(series: str) -> None:
    """Verify times the newest batch with and without the rollups, on a copy."""
    found = verify(series, rounds=3)
    assert found.is_right
    assert [(cost.source, cost.rows) for cost in found.costs] == [("public.bars", 3)]
    assert found.costs[0].milliseconds_with > 0
    assert differences(series) == NONE


def test_a_wrong_row_is_found(series: str) -> None:
    """Verify shows a row that was changed behind the rollup's back."""
    with connect(series) as connection:
        connection.execute("UPDATE bars_5m SET volume = volume + 1e-9 WHERE asset_id = 1 AND volume > 0")
    found = verify(series, ["bars_5m"], rounds=1).rollups[0]
    assert found.different > 0
    assert found.example is not None


MINUTE = st.integers(22, 38)  # on both sides of the border of the partitions, in few buckets
PRICE = st.floats(0.01, 1e6, allow_nan=False)
ROW = st.tuples(st.integers(1, 2), MINUTE, PRICE, PRICE, st.none() | PRICE)
STEP = st.one_of(
    st.tuples(st.just("upsert"), st.lists(ROW, min_size=1, max_size=6)),
    st.tuples(st.just("append"), st.integers(1, 3)),
    st.tuples(st.just("copy"), st.lists(ROW, min_size=1, max_size=6, unique_by=lambda row: row[:2])),
    st.tuples(
        st.just("copy into partition"), st.lists(ROW, min_size=1, max_size=4, unique_by=lambda row: row[:2])
    ),
    st.tuples(st.just("move"), st.tuples(MINUTE, st.integers(-60, 60))),
    st.tuples(st.just("correct"), st.tuples(MINUTE, PRICE)),
    st.tuples(st.just("delete"), st.tuples(MINUTE, MINUTE)),
    st.tuples(st.just("truncate"), st.sampled_from(["bars", "bars_2026_01", "bars_2026_02"])),
    st.tuples(st.just("mixed"), st.tuples(MINUTE, MINUTE, PRICE)),
    st.tuples(st.just("savepoint"), st.lists(ROW, min_size=1, max_size=4)),
)


def take(connection: psycopg.Connection[tuple[object, ...]], kind: str, what: object) -> None:
    """One write of an application; what a constraint refuses is not written."""
    try:
        with connection.transaction():
            _take(connection, kind, what)
    except (pg.UniqueViolation, pg.CheckViolation):
        return


def _take(connection: psycopg.Connection[tuple[object, ...]], kind: str, what: object) -> None:
    execute = connection.execute
    match kind, what:
        case (("upsert" | "savepoint"), list(rows)):
            with connection.transaction():
                unique = {row[:2]: row for row in rows}.values()
                values = ", ".join(["(%s, %s, %s, %s, %s)"] * len(unique))
                execute(
                    f"INSERT INTO bars VALUES {values} ON CONFLICT (asset_id, ts) DO UPDATE"
                    " SET open = excluded.open, close = excluded.close, volume = excluded.volume",
                    [cell for a, minute, *rest in unique for cell in (a, at(minute), *rest)],
                )
            if kind == "savepoint":
                a, minute, *rest = rows[0]
                execute("DELETE FROM bars WHERE (asset_id, ts) = (%s, %s)", (a, at(minute)))
                execute(INSERT, (a, at(minute), *rest))
        case "append", int(count):
            execute(
                "INSERT INTO bars SELECT a, last + n * interval '1 minute', n, n + a, n"
                " FROM generate_series(1, %s) n, generate_series(1, 2) a,"
                " (SELECT coalesce(max(ts), %s) AS last FROM bars) l",
                (count, at(0)),
            )
        case (("copy" | "copy into partition"), list(rows)):
            table = "bars"
            if kind != "copy":
                rows, table = [row for row in rows if at(row[1]).month == 2], "bars_2026_02"
            with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                for a, minute, *rest in rows:
                    copy.write_row((a, at(minute), *rest))
        case "move", (minute, by):
            execute("UPDATE bars SET ts = ts + %s WHERE ts = %s", (timedelta(minutes=by), at(minute)))
        case "correct", (minute, price):
            execute(
                "UPDATE bars SET close = %s, volume = NULL WHERE ts = %s AND asset_id = 1",
                (price, at(minute)),
            )
        case "delete", (low, high):
            execute("DELETE FROM bars WHERE ts BETWEEN %s AND %s", (at(low), at(high)))
        case "truncate", str(table):
            execute(f"TRUNCATE {table}")
        case "mixed", (deleted, inserted, price):
            execute(
                "WITH gone AS (DELETE FROM bars WHERE ts = %s RETURNING *),"
                " changed AS (UPDATE bars SET close = close + 1 WHERE ts = %s)"
                " INSERT INTO bars VALUES (1, %s, %s, %s, 1) ON CONFLICT DO NOTHING",
                (at(deleted), at(deleted + 1), at(inserted), price, price),
            )


@pytest.fixture(scope="module")
def property_series(postgres: PostgresServer) -> Iterator[str]:
    """One series for all examples of the property; each begins by emptying it."""
    name = f"rollup_property_{os.getpid()}"
    url = postgres.create_database(name)
    make(url)
    rollups.apply(url, VIEWS)
    yield url
    postgres.drop_database(name)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=1, max_size=12))
def test_whatever_is_written_the_rollup_is_its_view(
    property_series: str, steps: list[tuple[str, object]]
) -> None:
    """Inserts, upserts, late and moved rows, deletes, COPY, TRUNCATE, savepoints, all of them mixed."""
    with connect(property_series) as connection:
        connection.execute("TRUNCATE bars")
        for kind, what in steps:
            take(connection, kind, what)
    assert differences(property_series) == NONE


def test_an_upsert_that_changes_and_appends_in_one_bucket_counts_once(series: str) -> None:
    """The UPDATE trigger has counted the appended row already when the INSERT trigger runs."""
    with connect(series) as connection:
        connection.execute(INSERT, (1, "2026-02-02 00:01Z", 1, 1, 1))
        connection.execute(
            "INSERT INTO bars VALUES (1, '2026-02-02 00:01Z', 2, 2, 2), (1, '2026-02-02 00:02Z', 3, 3, 3)"
            " ON CONFLICT (asset_id, ts) DO UPDATE SET volume = excluded.volume"
        )
    assert differences(series) == NONE


def test_a_late_row_is_not_taken_for_the_newest(series: str) -> None:
    """A row older than its bucket's newest changes the open, not the close."""
    with connect(series) as connection:
        connection.execute(INSERT, (1, "2026-02-02 00:02Z", 1, 2, 3))
        connection.execute(INSERT, (1, "2026-02-02 00:01Z", 7, 8, 9))
        row = connection.execute(
            "SELECT open, close FROM bars_5m WHERE bucket = '2026-02-02 00:00Z'"
        ).fetchone()
    assert row == (7, 2)
    assert differences(series) == NONE
