"""The dashboard's own file of indexes, its rollback and its queries belong together."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg

from pack2.config import load_config
from pack2.database import indexes, rollups
from pack2.database.index_file import load_indexes, rollback_path, rollback_sql
from pack2.database.queries import find_queries
from pack2.database.rollup_verify import verify
from pack2.services.binaries import find_postgres

ROOT = Path(__file__).parents[3]
CONFIG = load_config(ROOT / "pack2.toml")
FILE = ROOT / CONFIG.indexes
VIEWS = tuple(rollup.view for rollup in CONFIG.rollups)


def test_the_rollback_file_is_current() -> None:
    """The generated rollback drops exactly what the file declares."""
    assert rollback_path(FILE).read_text() == rollback_sql(load_indexes(FILE), FILE.name)


def test_the_indexes_serve_the_applications_queries() -> None:
    """Each served query exists and can be measured; 25 or more are served."""
    assert CONFIG.application is not None
    queries = find_queries(CONFIG.application.queries, ROOT)
    served = {name for index in load_indexes(FILE) for name in index.serves}
    assert served <= {name for name, query in queries.items() if query.sample_sql}
    assert len(served) >= 25


def test_what_was_rejected_is_not_declared() -> None:
    """No index stands in the file and in the list of the rejected."""
    rejected = (FILE.parent / "rejected.md").read_text()
    assert not [index.name for index in load_indexes(FILE) if f"`{index.name}`" in rejected]


def test_psql_and_pack2_make_the_same_indexes(sample_copy: str) -> None:
    """psql runs the file twice, `apply` then finds all present; the rollback file takes all away."""
    psql = find_postgres().parent / "psql"
    for path in (FILE, FILE, rollback_path(FILE)):
        if path is not FILE:
            assert {done.outcome for done in indexes.apply(sample_copy, FILE)} == {"present"}
        command = [psql, sample_copy, "-q", "-v", "ON_ERROR_STOP=1", "-f", path]
        subprocess.run(command, check=True, capture_output=True)
    with psycopg.connect(sample_copy) as connection:
        left = connection.execute(
            "SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'idx%' AND tablename !~ '^procrastinate'"
        ).fetchone()
    assert left == (0,)


def test_the_candles_are_rollups(sample_copy: str) -> None:
    """The candle views become tables that equal them, and a page of candles is a range of the primary key."""
    rollups.apply(sample_copy, VIEWS)
    assert verify(sample_copy, rounds=3).is_right
    with psycopg.connect(sample_copy) as connection:
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute(
            "EXPLAIN SELECT * FROM candles_5m WHERE asset_id = 1 AND bucket < now()"
            " ORDER BY bucket DESC LIMIT 10"
        ).fetchall()
    assert "Index Scan Backward using candles_5m_pkey" in plan[1][0]
    assert len(plan) == 3
