"""Declared indexes on a real server: built without locking, repeatable, taken back, measured."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from pack2.database import indexes
from pack2.database.connection import connect as admin
from pack2.database.connection import exclusive
from pack2.database.copy import copy_of
from pack2.database.errors import (
    BusyError,
    DatabaseInUseError,
    IndexConflictError,
    IndexFileError,
    IndexTargetError,
    LockTimeoutError,
    SampleError,
)
from pack2.database.index_usage import usage
from pack2.database.index_verify import verify
from pack2.database.queries import NamedQuery

SCHEMA = """
CREATE TABLE trades
    (id bigint PRIMARY KEY, owner integer NOT NULL, at timestamptz NOT NULL, note text NOT NULL);
INSERT INTO trades SELECT n, n % 500, timestamptz '2026-01-01Z' + n * interval '1 minute', repeat('x', 100)
FROM generate_series(1, 20000) n;
CREATE TABLE bars (asset integer, ts timestamptz NOT NULL) PARTITION BY RANGE (ts);
CREATE TABLE bars_1 PARTITION OF bars FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE bars_2 PARTITION OF bars FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
"""
FILE = """
-- serves: of_owner
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_trades_owner ON trades (owner, at DESC);

-- serves: of_owner
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_trades_note ON trades (lower(note)) WHERE owner < 250;

-- serves: of_owner
-- partitioned
CREATE INDEX IF NOT EXISTS idx_bars ON bars (asset, ts);
"""
INVALID = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
OF_OWNER = NamedQuery(
    name="of_owner",
    sql="/* of_owner */ SELECT at, note FROM trades WHERE owner = $1 ORDER BY at DESC LIMIT 5",
    sample_sql="SELECT DISTINCT owner FROM trades WHERE owner < 5 ORDER BY owner",
    path="q.sql",
)
BY_ID = NamedQuery("by_id", "/* by_id */ SELECT note FROM trades WHERE id = $1", "SELECT 7", "q.sql")


@pytest.fixture
def tables(database: str) -> str:
    """A database with a plain and a partitioned table."""
    with psycopg.connect(database) as connection:
        connection.execute(SCHEMA)
    return database


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of three indexes."""
    path = tmp_path / "indexes.sql"
    path.write_text(FILE)
    return path


def value(url: str, sql: str) -> object:
    """The first value of a query."""
    with psycopg.connect(url) as connection:
        row = connection.execute(sql).fetchone()
    return row[0] if row else None


def outcomes(done: tuple[indexes.AppliedIndex, ...]) -> list[str]:
    """What became of each index."""
    return [one.outcome for one in done]


def test_apply_builds_and_applies_again(tables: str, file: Path) -> None:
    """The first apply builds all, the second finds all; none is invalid."""
    steps: list[float] = []
    assert (
        outcomes(indexes.apply(tables, file, on_progress=lambda _, done: steps.append(done))) == ["built"] * 3
    )
    assert outcomes(indexes.apply(tables, file)) == ["present"] * 3
    assert value(tables, INVALID) == 0
    assert steps == sorted(steps)
    assert steps[-1] == 1.0


def test_new_partitions_inherit(tables: str, file: Path) -> None:
    """A partition made after apply has the index of its table."""
    indexes.apply(tables, file)
    with psycopg.connect(tables) as connection:
        connection.execute(
            "CREATE TABLE bars_3 PARTITION OF bars FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')"
        )
    assert value(tables, "SELECT count(*) FROM pg_indexes WHERE tablename = 'bars_3'") == 1


def test_rollback_drops_what_apply_created_and_nothing_else(tables: str, file: Path) -> None:
    """An index that stood there before apply stays; the others go, those on partitions too."""
    with psycopg.connect(tables) as connection:
        connection.execute("CREATE INDEX idx_trades_owner ON trades (owner, at DESC)")
    assert outcomes(indexes.apply(tables, file)) == ["present", "built", "built"]
    assert sorted(outcomes(indexes.rollback(tables))) == ["dropped", "dropped"]
    left = value(tables, "SELECT array_agg(indexname::text) FROM pg_indexes WHERE indexname LIKE 'idx%'")
    assert left == ["idx_trades_owner"]


def test_named_indexes_are_taken_back_alone(tables: str, file: Path) -> None:
    """Rollback of one name leaves the others."""
    indexes.apply(tables, file)
    assert [one.name for one in indexes.rollback(tables, ["idx_trades_note"])] == ["idx_trades_note"]
    assert outcomes(indexes.apply(tables, file)) == ["present", "built", "present"]


def test_another_index_of_the_name_is_an_error(tables: str, file: Path) -> None:
    """An index of the same name with another definition is told, with both, and left alone."""
    with psycopg.connect(tables) as connection:
        connection.execute("CREATE INDEX idx_trades_owner ON trades (owner)")
    with pytest.raises(
        IndexConflictError, match=r"btree \(owner\); the file has trades btree \(owner, at DESC\)"
    ):
        indexes.apply(tables, file)


def test_an_invalid_leftover_is_rebuilt(tables: str, file: Path) -> None:
    """What a failed build left behind is dropped and built anew."""
    with psycopg.connect(tables, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE doubles (owner integer, at timestamptz); INSERT INTO doubles VALUES (1), (1)"
        )
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY idx_doubles ON doubles (owner)")
        connection.execute("DELETE FROM doubles")
    file.write_text(
        "-- serves: of_owner\n"
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS idx_doubles ON doubles (owner);\n"
    )
    assert value(tables, INVALID) == 1
    assert outcomes(indexes.apply(tables, file)) == ["rebuilt"]
    assert value(tables, INVALID) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_x ON nowhere (a);", "no such table"),
        ("CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_x ON v (a);", "pack2 rollup apply"),
        ("CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_x ON bars (asset);", "-- partitioned"),
        ("-- partitioned\nCREATE INDEX IF NOT EXISTS idx_x ON trades (id);", "not partitioned"),
    ],
)
def test_a_table_that_can_carry_no_such_index_is_told(
    tables: str, file: Path, text: str, message: str
) -> None:
    """Missing tables, views and the wrong kind of table say what to do."""
    with psycopg.connect(tables) as connection:
        connection.execute("CREATE VIEW v AS SELECT 1 AS a")
    file.write_text(f"-- serves: of_owner\n{text}\n")
    with pytest.raises(IndexTargetError, match=message):
        indexes.apply(tables, file)


@pytest.mark.parametrize("mode", ["ACCESS EXCLUSIVE", "SHARE ROW EXCLUSIVE"])
def test_a_lock_that_is_not_to_be_had_names_who_holds_it(tables: str, file: Path, mode: str) -> None:
    """After some attempts apply gives up, names the oldest transaction, and leaves no invalid index."""
    with psycopg.connect(tables) as holder:
        holder.execute(f"LOCK TABLE trades IN {mode} MODE")
        with pytest.raises(LockTimeoutError, match=f"process {holder.info.backend_pid}"):
            indexes.apply(tables, file, lock_timeout_seconds=0.05)
    assert value(tables, INVALID) == 0
    assert "built" in outcomes(indexes.apply(tables, file))


def test_two_runs_at_once_wait_for_each_other(tables: str, file: Path) -> None:
    """Two runs started together both succeed; each index is built once."""
    found: list[str] = []
    runs = [
        threading.Thread(target=lambda: found.extend(outcomes(indexes.apply(tables, file)))) for _ in range(2)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sorted(found) == ["built"] * 3 + ["present"] * 3


def test_a_run_that_does_not_end_is_named(tables: str, file: Path) -> None:
    """A run that waits for another too long says which process that is."""
    with (
        admin(tables) as connection,
        exclusive(connection, "indexes"),
        pytest.raises(BusyError, match=f"process {connection.info.backend_pid}"),
    ):
        indexes.apply(tables, file, wait_seconds=0)


def test_an_index_that_pays_is_told_from_one_that_does_not(tables: str, file: Path) -> None:
    """Verify measures on a copy: the served query's index pays, an unused one is redundant; nothing stays."""
    found = verify(tables, file, {"of_owner": OF_OWNER, "by_id": BY_ID}, budget_seconds=0)
    verdicts = {verdict.name: verdict for verdict in found.indexes}
    assert verdicts["idx_trades_owner"].pays
    best = verdicts["idx_trades_owner"].best
    assert best is not None
    assert best.buffers_with < best.buffers_without / 5
    assert [verdict.name for verdict in found.rejected] == ["idx_trades_note", "idx_bars"]
    assert "redundant" in verdicts["idx_trades_note"].reason
    assert {query.name: query.indexes for query in found.queries} == {
        "of_owner": ("idx_trades_owner",),
        "by_id": (),
    }
    assert value(tables, "SELECT count(*) FROM pg_database WHERE datname LIKE 'pack2_copy%'") == 0
    assert value(tables, "SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'idx%'") == 0


def test_a_query_that_is_not_there_or_not_sampled_is_told(tables: str, file: Path) -> None:
    """`-- serves:` names queries that exist and can be measured."""
    with pytest.raises(IndexFileError, match="no query has that name"):
        verify(tables, file, {"by_id": BY_ID})
    unsampled = NamedQuery("of_owner", OF_OWNER.sql, None, "q.sql")
    with pytest.raises(IndexFileError, match="no `-- sample:`"):
        verify(tables, file, {"of_owner": unsampled})


def test_a_sample_that_fails_names_its_query(tables: str, file: Path) -> None:
    """A sample that is wrong or empty is told with the query's name."""
    for sample_sql in ("SELECT nothing", "SELECT owner FROM trades WHERE false"):
        broken = NamedQuery("of_owner", OF_OWNER.sql, sample_sql, "q.sql")
        with pytest.raises(SampleError, match=r"Query of_owner \(q.sql\)"):
            verify(tables, file, {"of_owner": broken})


def test_a_database_in_use_is_not_copied(tables: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody is connected, measuring on a copy is refused and says what to do."""
    monkeypatch.setattr("pack2.database.copy._PATIENCE_SECONDS", 0.0)
    with psycopg.connect(tables), pytest.raises(DatabaseInUseError, match="restored copy"), copy_of(tables):
        pass


def test_usage_flags_duplicates_prefixes_and_the_unused(tables: str) -> None:
    """Same columns, a prefix of another, and no scan at all are flagged; a constraint never is."""
    with psycopg.connect(tables) as connection:
        connection.execute(
            "CREATE INDEX idx_a ON trades (owner, at); CREATE INDEX idx_b ON trades (owner, at)"
        )
        connection.execute("CREATE INDEX idx_c ON trades (owner); CREATE INDEX idx_d ON trades (owner DESC)")
        connection.execute("CREATE INDEX idx_e ON trades (id)")
    flags = {one.name: one.flags for one in usage(tables).indexes}
    assert flags["public.idx_b"] == ("same as idx_a", "never used")
    assert flags["public.idx_a"] == ("never used",)
    assert flags["public.idx_c"] == ("prefix of idx_a", "prefix of idx_b", "never used")
    assert flags["public.idx_d"] == ("never used",)
    assert flags["public.idx_e"] == ("same as trades_pkey", "never used")
    assert flags["public.trades_pkey"] == ()


@pytest.mark.deep
def test_a_killed_apply_is_continued(tables: str, file: Path) -> None:
    """SIGKILL at ten random moments; the next apply makes everything right, nothing invalid is left."""
    moments = random.Random(7)
    with psycopg.connect(tables) as connection:
        connection.execute(
            "INSERT INTO trades SELECT n, n, now(), md5(n::text) FROM generate_series(20001, 400000) n"
        )
        connection.execute("INSERT INTO bars SELECT n, '2026-01-15' FROM generate_series(1, 200000) n")
    program = (
        "import sys, pathlib; from pack2.database import indexes;"
        "indexes.apply(sys.argv[1], pathlib.Path(sys.argv[2]))"
    )
    killed = 0
    for _ in range(40):
        process = subprocess.Popen([sys.executable, "-c", program, tables, str(file)])
        try:
            process.wait(0.3 + moments.random() * 0.9)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
            process.wait()
        indexes.apply(tables, file)
        assert outcomes(indexes.apply(tables, file)) == ["present"] * 3
        assert value(tables, INVALID) == 0
        assert len(indexes.rollback(tables)) == 3
        assert value(tables, "SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'idx%'") == 0
        if killed == 10:
            break
    assert killed == 10
