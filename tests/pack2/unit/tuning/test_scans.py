"""Filters become index columns by plain rules, and only where an index can serve them."""

from __future__ import annotations

import pytest

from pack2.tuning.scans import index_columns, is_covered, wasteful_scans


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("(trades.owner = $1)", ("owner",)),
        ("((owner = $1) AND (at >= $2))", ("owner", "at")),
        ("((at >= $2) AND (owner = $1))", ("owner", "at")),
        ("((at >= $1) AND (at < $2))", ("at",)),
        ("((at >= $1) AND (price < $2))", ("at",)),
        ("(owner = ANY ($1))", ("owner",)),
        ("($1 < at)", ("at",)),
        ("((owner = 5) AND ((kind)::text = 'buy'::text))", ("owner",)),
        ("((owner = $1) OR (kind = $2))", ()),
        ("(owner <> $1)", ()),
        ("(lower(note) = $1)", ()),
        ("(owner = other)", ()),
        ("(a.owner = b.owner)", ()),
        ("(NOT done)", ()),
        ("((a = 1) AND (b = 2) AND (c = 3) AND (d = 4))", ("a", "b", "c")),
        ('("Mixed Case" = $1)', ("Mixed Case",)),
        ("this is no SQL (", ()),
    ],
)
def test_columns_of_a_filter(text: str, columns: tuple[str, ...]) -> None:
    """Equality first, then one range; anything that a B-tree can not serve gives nothing."""
    assert index_columns(text) == columns


def test_a_scan_is_wasteful_only_where_it_throws_much_away() -> None:
    """Small tables and filters that keep most rows need no index."""

    def plan(rows: float) -> dict[str, object]:
        scan = {"Node Type": "Seq Scan", "Schema": "public", "Relation Name": "trades", "Filter": "(a = $1)"}
        return {"Node Type": "Aggregate", "Plans": [{**scan, "Plan Rows": rows}]}

    rows_of = {("public", "trades"): 100_000.0}
    assert [scan.table for scan in wasteful_scans(plan(10), rows_of)] == ["trades"]
    assert wasteful_scans(plan(90_000), rows_of) == ()
    assert wasteful_scans(plan(10), {("public", "trades"): 500.0}) == ()
    assert wasteful_scans(plan(10), {}) == ()


def test_an_index_that_begins_with_the_columns_covers_them() -> None:
    """The order of the first columns does not matter for equality; a later column does not help."""
    assert is_covered(("a", "b"), [["b", "a", "c"]])
    assert not is_covered(("a",), [["b", "a"]])
    assert not is_covered(("a", "b"), [["a"]])
    assert not is_covered(("a",), [])
