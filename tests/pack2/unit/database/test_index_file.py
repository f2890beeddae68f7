"""The file of indexes: what may stand there, and what is told of anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from pack2.database.errors import IndexFileError
from pack2.database.index_file import (
    load_indexes,
    parse_indexes,
    quote,
    rollback_path,
    rollback_sql,
    without,
)

ALERTS = """\
-- serves: alerts_page, alerts_count
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_alerts_user
    ON alerts (user_id, at DESC) WHERE NOT is_read;
"""
NOTES = """\
-- Words.

-- serves: search_notes
--   research_page
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS idx_notes ON archive."Notes"
    USING gin (lower(title) gin_trgm_ops);
"""
BARS = """\
-- serves: sparklines
-- partitioned: one by one
CREATE INDEX IF NOT EXISTS idx_bars ON bars (ts);
"""


def test_an_index_is_read_with_its_queries() -> None:
    """Name, table, clause, the queries served and the lines of the block come from the file."""
    (index,) = parse_indexes("-- Header.\n\n" + ALERTS)
    assert (index.name, index.table, index.schema) == ("idx_alerts_user", "alerts", None)
    assert index.clause == "(user_id, at DESC) WHERE NOT is_read"
    assert index.serves == ("alerts_page", "alerts_count")
    assert (index.first_line, index.line, index.last_line) == (3, 4, 5)
    assert not index.has_expression


def test_quoted_names_methods_and_expressions_are_kept() -> None:
    """A schema, a quoted table, an access method, an expression and continued names are understood."""
    (index,) = parse_indexes(NOTES)
    assert index.target == 'archive."Notes"'
    assert index.clause == "USING gin (lower(title) gin_trgm_ops)"
    assert index.serves == ("search_notes", "research_page")
    assert index.unique
    assert index.has_expression
    assert index.create() == (
        'CREATE UNIQUE INDEX CONCURRENTLY idx_notes ON archive."Notes" USING gin (lower(title) gin_trgm_ops)'
    )


def test_a_partitioned_table_is_marked() -> None:
    """`-- partitioned` allows a CREATE INDEX without CONCURRENTLY, and its rollback has none either."""
    (index,) = parse_indexes(BARS)
    assert index.partitioned
    assert "DROP INDEX IF EXISTS idx_bars;" in rollback_sql([index], "x.sql")


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("SELECT 1;", 1, "no CREATE INDEX"),
        (ALERTS + "\nDROP INDEX idx_alerts_user;", 5, "no CREATE INDEX"),
        (ALERTS.replace(" CONCURRENTLY", ""), 2, "locks writers out"),
        (ALERTS.replace(" IF NOT EXISTS", ""), 2, "run the file twice"),
        (ALERTS.replace("idx_alerts", "alerts_idx"), 2, "begin with idx_"),
        (ALERTS.replace("-- serves", "-- for"), 2, "no `-- serves:`"),
        (ALERTS.replace("-- serves: alerts_page, alerts_count\n", "-- serves: a\n\n"), 3, "no `-- serves:`"),
        (ALERTS.replace("alerts_page", "Alerts Page"), 1, "is no name of a query"),
        (ALERTS.replace("ON alerts", "ON ONLY alerts"), 2, "ON ONLY"),
        (ALERTS + ALERTS, 5, "declared already on line 2"),
        (ALERTS + "\nCREATE INDEX oh no;", 5, "syntax error"),
        (BARS.replace("INDEX IF", "INDEX CONCURRENTLY IF"), 3, "by psql"),
    ],
)
def test_anything_else_is_refused_with_its_line(text: str, line: int, reason: str) -> None:
    """What is not a declared index is told with file and line."""
    with pytest.raises(IndexFileError, match=reason) as raised:
        parse_indexes(text, "indexes.sql")
    assert raised.value.fields["line"] == line
    assert str(raised.value).startswith(f"indexes.sql:{line}: ")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """A path without a file is an error of one line."""
    with pytest.raises(IndexFileError, match="no such file"):
        load_indexes(tmp_path / "none.sql")


def test_the_rollback_drops_in_reverse() -> None:
    """The rollback names every index, the last one first."""
    text = rollback_sql(parse_indexes(ALERTS + "\n" + NOTES), "x.sql")
    assert text.splitlines()[1:] == [
        "DROP INDEX CONCURRENTLY IF EXISTS archive.idx_notes;",
        "DROP INDEX CONCURRENTLY IF EXISTS idx_alerts_user;",
    ]
    assert rollback_path(Path("perf/sql/a.sql")) == Path("perf/sql/a_rollback.sql")


def test_a_block_is_taken_out_with_its_comment() -> None:
    """Without an index, the rest of the file stands as before."""
    text = "-- Header.\n\n" + ALERTS + "\n" + BARS
    assert without(text, parse_indexes(text)[:1]) == "-- Header.\n\n" + BARS


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("alerts", "alerts"),
        ("user", '"user"'),
        ("Big", '"Big"'),
        ('a"b', '"a""b"'),
        ("left", '"left"'),
        ("name", "name"),
    ],
)
def test_names_are_quoted_where_they_must_be(name: str, quoted: str) -> None:
    """Keywords and capital letters are quoted, plain names are not."""
    assert quote(name) == quoted
