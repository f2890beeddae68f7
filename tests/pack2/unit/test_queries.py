"""Named queries: the parser of `.sql` files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pack2.database.queries import find_queries, load_queries, parse_queries
from pack2.errors import QueryFileError

TWO = """\
-- Words about the file.

-- name: one_asset
-- sample: SELECT symbol FROM assets
--   ORDER BY symbol LIMIT 5
SELECT id FROM assets WHERE symbol = $1;

-- name: touch_asset
-- A comment of the query's own is left out of what is sent.
UPDATE assets SET is_active = true
WHERE id = $1;
"""


def only(text: str) -> list[str]:
    """The SQL of each query in `text`."""
    return [query.sql for _, query in parse_queries(text)]


def test_each_block_becomes_one_query() -> None:
    """A file holds several queries, each under its own name."""
    queries = {query.name: query for _, query in parse_queries(TWO)}
    assert list(queries) == ["one_asset", "touch_asset"]
    assert queries["one_asset"].sql == "SELECT /* one_asset */ id FROM assets WHERE symbol = $1"
    assert queries["touch_asset"].sql.endswith("SET is_active = true\nWHERE id = $1")


def test_the_sample_may_go_on_over_lines() -> None:
    """Indented comment lines after `-- sample:` belong to it; a write has none."""
    one, touch = (query for _, query in parse_queries(TWO))
    assert one.sample_sql == "SELECT symbol FROM assets ORDER BY symbol LIMIT 5"
    assert touch.sample_sql is None


def test_line_numbers_point_at_the_name() -> None:
    """What is yielded with a query is the line of its `-- name:`."""
    assert [line for line, _ in parse_queries(TWO)] == [3, 8]


def test_the_text_sent_carries_the_name_after_its_first_word() -> None:
    """pg_stat_statements joins by the comment; PostgreSQL 18 cuts off a leading one."""
    assert [sql.split(" ", 4)[1:4] for sql in only(TWO)] == [
        ["/*", "one_asset", "*/"],
        ["/*", "touch_asset", "*/"],
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT 1;", "before the first"),
        ("-- name: empty\n", "has no statement"),
        ("-- name: open_ended\nSELECT 1\n", "has no statement"),
        ("-- name: only_semicolon\n;\n", "has no statement"),
    ],
)
def test_malformed_files_are_refused(text: str, reason: str) -> None:
    """A malformed block names the file, the line and what is expected."""
    with pytest.raises(QueryFileError, match=reason) as caught:
        list(parse_queries(text, "market.sql"))
    assert str(caught.value).startswith("market.sql:1:")


def test_a_name_is_given_once(tmp_path: Path) -> None:
    """The same name in two files is refused, and both files are told."""
    for file in ("a.sql", "b.sql"):
        (tmp_path / file).write_text("-- name: twice\nSELECT 1;\n")
    with pytest.raises(QueryFileError, match=r"b\.sql:1: the name twice stands already in .*a\.sql"):
        load_queries([tmp_path / "a.sql", tmp_path / "b.sql"])


def test_globs_are_read_once_each(tmp_path: Path) -> None:
    """Overlapping patterns do not make a file count twice."""
    (tmp_path / "a.sql").write_text(TWO)
    assert set(find_queries(["*.sql", "a.*"], tmp_path)) == {"one_asset", "touch_asset"}
