"""Rollups while others write: waiting, older snapshots, a killed apply."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import psycopg
import pytest
from psycopg import errors as pg
from rollup_series import INSERT, NONE, UPSERT, VIEWS, at, connect, differences, make

from pack2.database import rollups


@pytest.fixture
def series(database: str) -> str:
    """A database with the series and its rollups."""
    make(database)
    rollups.apply(database, VIEWS)
    return database


def test_a_writer_waits_for_the_bucket_and_then_reads_it(series: str) -> None:
    """Two open transactions add to one bucket: the second aggregates after the first has committed."""
    with connect(series) as one, connect(series) as other, connect(series) as watcher:
        one.execute("BEGIN")
        one.execute(INSERT, (1, "2026-02-02 00:01Z", 1, 1, 1))
        thread = threading.Thread(target=other.execute, args=(INSERT, (1, "2026-02-02 00:02Z", 2, 2, 2)))
        thread.start()
        waits = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
        while watcher.execute(waits, (other.info.backend_pid,)).fetchone() != (True,):
            assert thread.is_alive()
        one.execute("COMMIT")
        thread.join()
    assert differences(series) == NONE


def test_concurrent_writers_of_one_bucket_lose_nothing(series: str) -> None:
    """Eight writers insert, correct and delete in the same buckets at once; deadlocks are repeated."""

    def write(writer: int) -> None:
        with connect(series) as connection:
            for number in range(40):
                minute = at(60 + (number * 7 + writer) % 20)
                statement, values = (
                    (UPSERT, (1, minute, number, writer, number)),
                    (UPSERT, (1 + writer % 3, minute, writer, number, 1)),
                    ("DELETE FROM bars WHERE ts = %s", (minute,)),
                )[(number + writer) % 3]
                while True:
                    try:
                        connection.execute(statement, values)
                        break
                    except pg.DeadlockDetected:
                        continue

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert differences(series) == NONE


@pytest.mark.parametrize(
    "first",
    [
        "INSERT INTO bars VALUES (9, '2026-02-02 00:02Z', 1, 1, 1)",
        "UPDATE bars SET close = 7 WHERE asset_id = 9",
        "DELETE FROM bars WHERE asset_id = 9",
    ],
)
@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_an_older_snapshot_gets_a_serialization_failure(series: str, level: str, first: str) -> None:
    """A writer that can not see what another committed in its bucket is refused: never a wrong sum."""
    with connect(series) as one, connect(series) as other:
        one.execute("INSERT INTO bars VALUES (9, '2026-02-02 00:01Z', 1, 1, 1)")
        other.execute(f"BEGIN ISOLATION LEVEL {level}")
        other.execute("SELECT count(*) FROM bars")
        one.execute(first)
        with pytest.raises(pg.SerializationFailure):
            other.execute("INSERT INTO bars VALUES (9, '2026-02-02 00:03Z', 2, 2, 2)")
        other.execute("ROLLBACK")
    assert differences(series) == NONE


def test_writes_during_apply_are_not_lost(database: str) -> None:
    """Writers go on while the rollups are made; none fails, and the tables are the views."""
    make(database)
    ended = threading.Event()
    failures: list[Exception] = []

    def write(writer: int) -> None:
        number = 0
        with connect(database) as connection:
            while not ended.is_set():
                number += 1
                try:
                    connection.execute(UPSERT, (writer, at(number % 90), number, number, number))
                    connection.execute(
                        "DELETE FROM bars WHERE ts = %s AND asset_id = %s", (at(number * 3 % 90), writer)
                    )
                except pg.DeadlockDetected:
                    continue
                except psycopg.Error as error:
                    failures.append(error)
                    return

    writers = [threading.Thread(target=write, args=(number,)) for number in (1, 2, 3)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(3):
            rollups.apply(database, VIEWS)
            found = differences(database)
            assert found == NONE
            rollups.rollback(database)
        rollups.apply(database, VIEWS)
    finally:
        ended.set()
        for writer in writers:
            writer.join()
    assert failures == []
    assert differences(database) == NONE


@pytest.mark.deep
def test_a_killed_apply_is_continued(database: str) -> None:
    """SIGKILL at ten moments of apply; the next apply completes what stands there, and it is right."""
    make(database)
    program = "import sys; from pack2.database import rollups; rollups.apply(sys.argv[1], sys.argv[2:])"
    for tenth in range(12):
        process = subprocess.Popen([sys.executable, "-c", program, database, *VIEWS])
        try:
            process.wait(0.25 + tenth * 0.05)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        with connect(database) as connection:
            connection.execute(UPSERT, (1, at(tenth * 3), tenth, tenth, tenth))
        rollups.apply(database, VIEWS)
        assert differences(database) == NONE
        rollups.rollback(database)
