"""When an index pays, by figures alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from pack2.database.index_file import load_indexes
from pack2.database.index_measure import Measurement
from pack2.database.index_rejection import reject
from pack2.database.index_verify import (
    IndexVerdict,
    Saving,
    Verification,
    best_of,
    interval,
    is_slower,
    saving,
)
from pack2.database.slow import shorten


def measured(milliseconds: list[float], buffers: int) -> Measurement:
    """A measurement of one parameter row."""
    return Measurement(tuple(milliseconds), min(milliseconds), buffers, frozenset())


@pytest.mark.parametrize(
    ("buffers", "milliseconds", "pays"),
    [
        (79, [1.0, 1.1, 0.9, 1.0, 1.0], True),
        (81, [1.0, 1.1, 0.9, 1.0, 1.0], False),
        (10, [2.1, 1.9, 2.2, 1.8, 2.0], False),
        (10, [9.0, 9.0, 9.0, 9.0, 9.0], False),
    ],
)
def test_an_index_pays_in_blocks_and_in_time(buffers: int, milliseconds: list[float], pays: bool) -> None:
    """A fifth of the blocks and an interval of the time saved above zero: both, or it does not pay."""
    without = measured([2.0, 2.1, 1.9, 2.0, 2.0], 100)
    assert saving("q", "alone", without, measured(milliseconds, buffers), 1).pays is pays


@pytest.mark.parametrize(
    ("buffers", "saved_low", "pays"),
    [(80, 0.001, True), (81, 0.001, False), (80, 0.0, False), (10, -0.001, False), (10, 0.0, False)],
)
def test_a_fifth_is_enough_and_nothing_saved_is_not(buffers: int, saved_low: float, pays: bool) -> None:
    """The bound of the blocks is inclusive; an interval that begins at zero does not exclude it."""
    assert Saving("q", "alone", 100, buffers, 2.0, 1.0, saved_low, 1.0).pays is pays


def saved(query: str, buffers: int, low: float, milliseconds: float = 1.0) -> Saving:
    return Saving(query, "alone", 100, buffers, milliseconds + 1, milliseconds, low, low + 1)


@pytest.mark.parametrize(
    "savings",
    [
        (saved("much time, few blocks", 95, 9.0), saved("best", 50, 0.5)),
        (saved("less time", 10, 0.2), saved("best", 50, 0.5)),
        (saved("none surely", 10, -0.1), saved("best", 80, 0.001)),
        (saved("less surely", 95, -0.2), saved("best", 99, -0.1)),
    ],
)
def test_the_best_saving_pays_and_then_is_the_surest(savings: tuple[Saving, ...]) -> None:
    """One that pays before any that does not; then the larger lower end of the time saved; in any order."""
    for given in (savings, savings[::-1]):
        best = best_of(given)
        assert best is not None
        assert best.query == "best"


def test_without_a_query_there_is_no_best() -> None:
    """An index that serves nothing that was measured."""
    assert best_of(()) is None


def test_the_interval_holds_the_median() -> None:
    """The interval is the same at every call, and holds the median."""
    differences = [1.0, 1.2, 0.8, 1.1, 0.9, 30.0]
    low, high = interval(differences)
    assert low <= 1.05 <= high
    assert interval(differences) == (low, high)


@pytest.mark.parametrize(
    ("before", "after", "slower"),
    [(1.0, 1.19, False), (1.0, 1.4, True), (0.01, 0.05, False)],
)
def test_slower_means_a_fifth_and_more_than_the_clock(before: float, after: float, slower: bool) -> None:
    """Up to 1.2 times, or below a tenth of a millisecond, is not slower."""
    assert is_slower(measured([before], 1), measured([after], 1), 1) is slower


def test_what_does_not_pay_is_taken_out_and_listed(tmp_path: Path) -> None:
    """The file and its rollback lose the index; rejected.md gets its figures and keeps older rows."""
    path = tmp_path / "indexes.sql"
    block = "-- serves: q\nCREATE INDEX CONCURRENTLY IF NOT EXISTS {} ON t (a);\n"
    path.write_text(block.format("idx_a") + "\n" + block.format("idx_b"))
    figures = Saving("q", "alone", 100, 90, 2.0, 1.9, -0.1, 0.2)
    for name in ("idx_a", "idx_b"):
        verdict = IndexVerdict(name, "t", 8192, False, "saves too little", figures, (figures,))
        assert [one.name for one in reject(path, Verification((verdict,), ()))] == [name]
    assert load_indexes(path) == ()
    listing = (tmp_path / "rejected.md").read_text()
    assert "| `idx_a` | `t (a)` | saves too little | q | alone | 100 → 90 | 2.000 → 1.900 |" in listing
    assert "`idx_b`" in listing
    assert "idx_" not in (tmp_path / "indexes_rollback.sql").read_text()


def test_a_statement_is_shown_without_values() -> None:
    """No literal of a user is printed, nor more than 200 characters."""
    assert shorten("SELECT /* q */ *\n FROM t WHERE a = 'O''Hara' AND b = 12.5 AND c = $3") == (
        "SELECT * FROM t WHERE a = ? AND b = ? AND c = ?"
    )
    assert len(shorten("SELECT " + "x, " * 200)) == 200
