"""What a route takes is told by differences of totals, and buffers by the round without a first meeting."""

from __future__ import annotations

from pack2.loadtest.counters import Statement, Tally, fewest_buffers


def tally(**buffers: int) -> Tally:
    return Tally(0, {ord(name): Statement(1, 1, number) for name, number in buffers.items()})


def test_only_what_was_called_since_is_told() -> None:
    """Totals of the servers hold everything that ever ran there."""
    before = Tally(5, {1: Statement(10, 100, 1000), 2: Statement(1, 1, 1)})
    now = Tally(7, {1: Statement(12, 104, 1006), 2: Statement(1, 1, 1), 3: Statement(1, 0, 9)})
    found = now.since(before)
    assert found == Tally(2, {1: Statement(2, 4, 6), 3: Statement(1, 0, 9)})
    assert (found.queries, found.rows) == (3, 4)


def test_each_statement_counts_as_where_it_took_the_fewest() -> None:
    """No round needs to be free of first meetings as a whole: two statements, each cold in another one."""
    assert fewest_buffers([tally(a=50, b=8), tally(a=20, b=30)]) == 28


def test_a_statement_that_was_called_twice_counts_twice() -> None:
    """One round may have found in the cache what another had to load."""
    first = Tally(0, {1: Statement(2, 2, 30)})
    assert fewest_buffers([first, Tally(0, {1: Statement(1, 1, 10)})]) == 20


def test_what_a_later_round_did_not_ask_keeps_its_first_figure() -> None:
    """And what only a later round asked is not of this sample."""
    assert fewest_buffers([tally(a=5), tally(b=3)]) == 5
    assert fewest_buffers([tally(), tally(b=3)]) == 0
