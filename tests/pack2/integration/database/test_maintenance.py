"""Maintenance on a real server: only what is wrong is mended, outside of any transaction."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from pack2.database.connection import Connection
from pack2.database.connection import connect as admin
from pack2.database.maintenance import Finding, findings, maintain
from pack2.database.maintenance import _again as perform_again
from pack2.database.maintenance import _do as perform

TABLE = """
CREATE TABLE trades (id bigint PRIMARY KEY, note text NOT NULL) WITH (autovacuum_enabled = off);
INSERT INTO trades SELECT n, md5(n::text) FROM generate_series(1, 60000) n;
"""


@pytest.fixture
def trades(database: str) -> Iterator[Connection]:
    """A freshly filled table that autovacuum leaves alone."""
    with admin(database) as connection:
        connection.execute("SET synchronous_commit = on")  # else VACUUM may take the rows for unwritten yet
        connection.execute(TABLE)
        flush(connection)
        yield connection


def flush(connection: Connection) -> None:
    connection.execute("SELECT pg_stat_force_next_flush()")
    connection.execute("SELECT pg_stat_clear_snapshot()")


def kinds(connection: Connection) -> dict[str, str]:
    flush(connection)
    return {finding.object: finding.kind for finding in findings(connection)}


def test_a_table_without_statistics_is_found_and_mended(trades: Connection, database: str) -> None:
    """New rows that nobody analysed give the planner nothing to go by; the visibility map comes along."""
    assert "public.trades" in kinds(trades)
    done = maintain(database)
    assert {task.state for task in done} == {"done"}
    assert kinds(trades) == {}


def test_a_second_run_has_nothing_to_do(trades: Connection, database: str) -> None:
    """What is in order is left alone."""
    flush(trades)
    assert maintain(database)
    assert maintain(database) == ()


def test_a_dry_run_changes_nothing(trades: Connection, database: str) -> None:
    """It names the statements and creates no function."""
    flush(trades)
    planned = maintain(database, dry_run=True)
    assert {task.state for task in planned} == {"planned"}
    assert trades.execute("SELECT to_regproc('maintenance_db_performance')").fetchone() == (None,)
    assert "public.trades" in kinds(trades)


def test_dead_rows_are_vacuumed(trades: Connection, database: str) -> None:
    """Deleted rows that take up a tenth of a table go."""
    maintain(database)
    trades.execute("DELETE FROM trades WHERE id <= 20000")
    assert kinds(trades)["public.trades"] == "dead rows"
    maintain(database)
    row = trades.execute("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'trades'").fetchone()
    assert row == (0,)


def test_a_vacuum_that_an_older_transaction_makes_useless_has_failed(
    trades: Connection, database: str
) -> None:
    """It is told who holds the rows; with that transaction ended, the next run does its work."""
    maintain(database)
    with psycopg.connect(database, application_name="forgotten") as holder:
        holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        holder.execute("SELECT count(*) FROM trades")
        trades.execute("DELETE FROM trades WHERE id <= 20000")
        flush(trades)
        (task,) = maintain(database)
        assert task.state == "failed"
        assert f"process {holder.info.backend_pid} (forgotten) may still see its rows" in task.error
        assert "pack2 maintain" in task.error
    (task,) = maintain(database)
    assert task.state == "done"
    assert kinds(trades) == {}


def test_a_transaction_that_ends_meanwhile_costs_a_second_vacuum(trades: Connection, database: str) -> None:
    """What a short transaction kept from the first VACUUM is taken by the second."""
    maintain(database)
    with psycopg.connect(database) as holder:
        holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        holder.execute("SELECT count(*) FROM trades")
        trades.execute("DELETE FROM trades WHERE id <= 20000")
        flush(trades)
        (finding,) = findings(trades)
        first = perform(trades, finding)
    assert kinds(trades) == {"public.trades": "dead rows"}
    assert perform_again(trades, first).state == "done"
    assert kinds(trades) == {}


def test_a_bloated_index_is_rebuilt_and_smaller(trades: Connection, database: str) -> None:
    """An index that holds few entries in many pages is found by its size and rebuilt concurrently."""
    trades.execute("VACUUM ANALYZE trades")
    assert "public.trades_pkey" not in kinds(trades)
    trades.execute("DELETE FROM trades WHERE id % 10 <> 0")
    trades.execute("VACUUM ANALYZE trades")
    assert kinds(trades)["public.trades_pkey"] == "bloated index"
    task = next(task for task in maintain(database) if task.finding.object == "public.trades_pkey")
    assert task.state == "done"
    assert task.freed_bytes > 900_000
    assert "public.trades_pkey" not in kinds(trades)


def test_an_index_of_its_ideal_size_is_not_bloated(trades: Connection) -> None:
    """Fresh indexes of several types and widths are never rebuilt."""
    trades.execute(
        "CREATE INDEX ON trades (note); CREATE INDEX ON trades (lower(note), id);"
        " CREATE INDEX ON trades (note)"
        " WHERE id % 2 = 0; CREATE TABLE wide AS SELECT n AS id, n % 7 AS few, n * 1.5 AS amount, now() AS at"
        " FROM generate_series(1, 80000) n; CREATE INDEX ON wide (few); CREATE INDEX ON wide (amount, at);"
        " CREATE INDEX ON wide (id DESC) INCLUDE (few)"
    )
    trades.execute("VACUUM ANALYZE trades")
    trades.execute("VACUUM ANALYZE wide")
    assert "bloated index" not in kinds(trades).values()


def test_leftovers_of_a_stopped_rebuild_are_dropped(trades: Connection, database: str) -> None:
    """REINDEX CONCURRENTLY that is cancelled leaves an invalid twin; the index itself stays."""
    maintain(database)
    with psycopg.connect(database) as holder:
        holder.execute("LOCK trades IN ROW EXCLUSIVE MODE")
        stop = threading.Timer(
            0.5, lambda: holder.execute("SELECT pg_cancel_backend(%s)", (trades.info.backend_pid,))
        )
        stop.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            trades.execute("REINDEX INDEX CONCURRENTLY trades_pkey")
        stop.join()
    assert kinds(trades) == {"public.trades_pkey_ccnew": "invalid index"}
    maintain(database)
    rows = trades.execute("SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid ="
                          " 'trades'::regclass").fetchall()  # fmt: skip
    assert rows == [("trades_pkey", True)]


def test_an_invalid_index_of_a_stopped_build_is_built_again(trades: Connection, database: str) -> None:
    """It is kept up by every writer and used by no query: rebuilt, it is of use."""
    trades.execute("INSERT INTO trades VALUES (0, md5('1'))")
    with pytest.raises(psycopg.errors.UniqueViolation):
        trades.execute("CREATE UNIQUE INDEX CONCURRENTLY one_note ON trades (note)")
    trades.execute("DELETE FROM trades WHERE id = 0")
    maintain(database)
    row = trades.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'one_note'::regclass").fetchone()
    assert row == (True,)


def test_a_partitioned_table_is_analysed_as_a_whole(database: str) -> None:
    """Autovacuum analyses parts only; queries over the whole need statistics of the whole."""
    with admin(database) as connection:
        connection.execute(
            "CREATE TABLE bars (ts date) PARTITION BY RANGE (ts);"
            "CREATE TABLE bars_1 PARTITION OF bars FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');"
            "INSERT INTO bars SELECT date '2026-01-01' + n % 30 FROM generate_series(1, 500) n"
        )
        flush(connection)
        connection.execute("VACUUM ANALYZE bars_1")
        assert kinds(connection) == {"public.bars": "stale statistics"}
        maintain(database)
        assert kinds(connection) == {}


def test_one_failure_does_not_stop_the_rest(trades: Connection) -> None:
    """A statement that the server refuses is told with its reason, as a task that failed."""
    task = perform(trades, Finding("bloated index", "public.gone", "", "REINDEX INDEX CONCURRENTLY gone", 0))
    assert task.state == "failed"
    assert "gone" in task.error


def test_the_sql_function_analyses_and_lists_the_rest(trades: Connection, database: str) -> None:
    """`SELECT maintenance_db_performance()` does what a transaction may and names what is left to do."""
    maintain(database)
    trades.execute("DELETE FROM trades WHERE id % 10 <> 0")
    trades.execute(
        "CREATE TABLE fresh WITH (autovacuum_enabled = off) AS SELECT n FROM generate_series(1, 500) n"
    )
    flush(trades)
    rows = trades.execute(
        "SELECT object, kind, is_done FROM maintenance_db_performance() ORDER BY object"
    ).fetchall()
    assert rows == [("public.fresh", "stale statistics", True), ("public.trades", "dead rows", False)]
    analysed = trades.execute("SELECT reltuples FROM pg_class WHERE relname = 'fresh'").fetchone()
    assert analysed == (500.0,)


def test_names_that_need_quotes_are_quoted(database: str) -> None:
    """A hostile name is data."""
    with admin(database) as connection:
        connection.execute('CREATE SCHEMA "a.b"; CREATE TABLE "a.b"."x""; DROP TABLE y" AS SELECT 1 AS n')
        flush(connection)
        tasks = maintain(database)
        assert [task.state for task in tasks] == ["done"]
        assert kinds(connection) == {}


def test_two_runs_at_once_take_turns(trades: Connection, database: str) -> None:
    """The second waits for the first and finds nothing left."""
    flush(trades)
    results: list[int] = []
    runs = [threading.Thread(target=lambda: results.append(len(maintain(database)))) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sorted(results)[0] == 0
    assert sorted(results)[1] > 0
