"""Which views can become rollups, and what is said of the others."""

from __future__ import annotations

import pytest

from pack2.database.errors import UnsupportedViewError
from pack2.database.rollup_sql import RollupSql, merged_value
from pack2.database.rollup_view import Aggregate, RollupView, parse_view

AGGREGATES = frozenset(["count", "sum", "max", "min", "avg", "array_agg"])


def view(columns: str, sql: str) -> RollupView:
    """The view `v` of `sql`."""
    return parse_view("public", "v", sql, tuple(columns.split()), AGGREGATES)


def test_keys_aggregates_and_bucket_are_understood() -> None:
    """date_bin is a range of its column; every aggregate knows how it merges."""
    found = view(
        "asset bucket open close top n",
        "SELECT t.asset, date_bin('00:05:00'::interval, t.ts, '2000-01-01'::timestamp) AS bucket,"
        " (array_agg(open ORDER BY ts))[1], (array_agg(close ORDER BY ts DESC))[1], max(close), count(*)"
        " FROM public.bars t WHERE close > 0"
        " GROUP BY t.asset, (date_bin('00:05:00'::interval, t.ts, '2000-01-01'::timestamp))",
    )
    assert [key.name for key in found.keys] == ["asset", "bucket"]
    assert found.bucket is not None
    assert (found.bucket.range_column, found.bucket.is_exact) == ("ts", True)
    assert [aggregate.merge for aggregate in found.aggregates] == ["first", "last", "max", "count"]
    assert found.where == "close > 0"
    assert found.is_mergeable


@pytest.mark.parametrize(
    "aggregate",
    ["avg(x)", "count(DISTINCT x)", "(array_agg(x ORDER BY y))[1]", "(array_agg(x ORDER BY ts))[2]"],
)
def test_what_does_not_merge_is_aggregated_again(aggregate: str) -> None:
    """Averages, distinct counts and firsts by another order are never merged."""
    assert not view(
        "day x",
        f"SELECT date_trunc('day', ts), {aggregate} FROM public.bars GROUP BY (date_trunc('day', ts))",
    ).is_mergeable


def test_date_trunc_is_a_range_and_compared_as_well() -> None:
    """Days and months have no fixed width: the range is wide enough, the expression decides."""
    quarter = "date_trunc('quarter', ts, 'UTC')"
    bucket = view("q n", f"SELECT {quarter}, count(*) FROM public.bars GROUP BY ({quarter})").bucket
    assert bucket is not None
    assert bucket.width == "'3 months'::interval + '1 day'::interval"
    assert not bucket.is_exact


@pytest.mark.parametrize(
    ("columns", "sql", "reason"),
    [
        ("a n", "SELECT a, count(*) FROM s.t JOIN s.u USING (a) GROUP BY a", "exactly one table"),
        ("a n", "SELECT a, count(*) FROM s.t, s.u GROUP BY a", "exactly one table"),
        ("a n", "SELECT a, count(*) FROM (SELECT 1 AS a) t GROUP BY a", "exactly one table"),
        ("a n", "SELECT a, count(*) FROM s.t GROUP BY a HAVING count(*) > 1", "HAVING"),
        ("a n", "SELECT a, count(*) FROM s.t GROUP BY a LIMIT 1", "LIMIT"),
        ("a n", "SELECT a, count(*) FROM s.t GROUP BY a ORDER BY a", "ORDER BY"),
        ("a", "SELECT DISTINCT a FROM s.t GROUP BY a", "DISTINCT"),
        ("n", "SELECT count(*) FROM s.t", "no GROUP BY"),
        ("n", "SELECT count(*) FROM s.t GROUP BY a", "group key a is not among"),
        ("a b n", "SELECT a, a, count(*) FROM s.t GROUP BY a", "b repeats a group key"),
        ("a n", "SELECT a, count(*) FROM s.t GROUP BY ROLLUP (a)", "GROUPING SETS"),
        ("a n", "SELECT a, array_agg(b) FROM s.t GROUP BY a", "array_agg without ORDER BY"),
        ("a n", "SELECT a, sum(count(*)) OVER () FROM s.t GROUP BY a", "window"),
        ("a n", "SELECT a, (SELECT 1) + count(*) FROM s.t GROUP BY a", "subquery"),
        ("a n", "WITH x AS (SELECT 1) SELECT a, count(*) FROM s.t GROUP BY a", "WITH"),
        ("a", "SELECT a FROM s.t GROUP BY a UNION SELECT a FROM s.u GROUP BY a", "UNION"),
    ],
)
def test_other_views_are_refused_by_name(columns: str, sql: str, reason: str) -> None:
    """Whatever is not understood is told; nothing is guessed."""
    with pytest.raises(UnsupportedViewError, match=reason):
        view(columns, sql)


@pytest.mark.parametrize(
    ("merge", "expected"),
    [
        ("count", "s + a"),
        ("sum", "COALESCE(s + a, s, a)"),
        ("min", "LEAST(s, a)"),
        ("max", "GREATEST(s, a)"),
        ("first", "s"),
        ("last", "a"),
    ],
)
def test_a_later_part_is_merged(merge: str, expected: str) -> None:
    """Each aggregate joins a stored part and a part added later in its own way."""
    assert merged_value(Aggregate("x", "x", merge), "s", "a") == expected


def test_other_aggregates_read_the_bucket_again() -> None:
    """Only the INSERT function of a mergeable view merges; UPDATE and DELETE always aggregate anew."""
    sql = RollupSql(view("a n", "SELECT a, count(*) FROM s.t GROUP BY a"), "public.v")
    assert "pack2_since" not in sql.create_function("insert")
    bucket = "date_bin('1 day'::interval, ts, '2000-01-01'::timestamp)"
    merging = RollupSql(view("b n", f"SELECT {bucket}, count(*) FROM s.t GROUP BY ({bucket})"), "public.v")
    assert "pack2_since" in merging.create_function("insert")
    assert "pack2_since" not in merging.create_function("update")
    assert "pack2_since" not in merging.create_function("delete")
