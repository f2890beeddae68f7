"""Which statement a list's filters choose, and with which parameters: every combination, without a server."""

from __future__ import annotations

import contextlib
import itertools
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaf import paging
from adaf.audit import reads as audit
from adaf.database import named_queries
from adaf.paging import Page, encode, newest_first, page
from adaf.portfolios import reads as portfolios
from adaf.problem import BadInput
from adaf.search import reads as search
from adaf.signals import reads as signals

UNION_OF_KEYS = 2  # a page's statement takes the cursor's time and number, and the limit


def _placeholders(name: str) -> int:
    """The highest $n of a statement."""
    sql = named_queries()[name].sql
    return max(n for n in range(1, 20) if f"${n}" in sql)


@pytest.mark.parametrize("symbol", [None, "BTC"])
@pytest.mark.parametrize("side", [None, "buy"])
def test_each_ledger_filter_has_its_statement(symbol: str | None, side: Any) -> None:
    """Each combination of asset and side is a statement of its own that takes exactly these parameters."""
    name, filters = portfolios._shape(symbol, side)
    assert filters == tuple(value for value in (symbol, side) if value is not None)
    assert _placeholders(name) == len(filters) + 2 + UNION_OF_KEYS + 1


@pytest.mark.parametrize("user_id", [None, 7])
@pytest.mark.parametrize("action", [None, "auth.sign_in"])
def test_each_audit_filter_has_its_statement(user_id: int | None, action: str | None) -> None:
    """Each combination of user and action is a statement of its own; the action is a literal prefix."""
    name, filters = audit._shape(user_id, action)
    pattern = None if action is None else "auth.sign\\_in%"
    assert filters == tuple(value for value in (user_id, pattern) if value is not None)
    assert _placeholders(name) == len(filters) + UNION_OF_KEYS + 1


def test_each_research_filter_has_its_statement() -> None:
    """At most one of symbol, tag and author filters notes; two are refused with the sentence that says so."""
    chosen = set()
    for symbol, tag, author in itertools.product((None, "BTC"), (None, "macro"), (None, 3)):
        given_filters = tuple(value for value in (symbol, tag, author) if value is not None)
        if len(given_filters) > 1:
            with pytest.raises(BadInput, match="one of"):
                search._shape(symbol, tag, author)
            continue
        name, filters = search._shape(symbol, tag, author)
        chosen.add(name)
        assert filters == given_filters
        assert _placeholders(name) == len(filters) + UNION_OF_KEYS + 1
    assert len(chosen) == 4


def test_each_signal_filter_has_its_statement() -> None:
    """Signals are filtered by one of four, or by symbol and direction; the rest is refused."""
    chosen = {}
    for values in itertools.product((None, "BTC"), (None, 3), (None, "buy"), (None, "trend")):
        names = tuple(
            name
            for name, value in zip(("symbol", "strategy", "direction", "tag"), values, strict=True)
            if value is not None
        )
        try:
            chosen[names], filters = signals._shape(*values, 0.5)
        except BadInput:
            continue
        assert _placeholders(chosen[names]) == 1 + len(filters) + UNION_OF_KEYS + 1
    assert chosen == {
        (): "signals_recent",
        ("symbol",): "signals_by_symbol",
        ("symbol", "direction"): "signals_by_symbol_and_direction",
        ("strategy",): "signals_by_strategy",
        ("direction",): "signals_by_direction",
        ("tag",): "signals_by_tag",
    }


@given(st.text(max_size=30))
def test_a_pattern_matches_itself_alone(text: str) -> None:
    """In a LIKE pattern the signs that mean something are escaped; unescaping gives the text."""
    pattern = search._pattern(text)
    plain, signs = [], iter(pattern)
    for sign in signs:
        assert sign not in "%_"
        plain.append(next(signs) if sign == "\\" else sign)
    assert "".join(plain) == text


instants = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(instants, st.integers(1, 2**63 - 1))
def test_a_cursor_comes_back(time: datetime, number: int) -> None:
    """What a page's cursor holds is what the next page starts below."""
    assert newest_first(encode((time, number))) == (time, number)


def test_without_a_cursor_a_list_starts_at_its_top() -> None:
    """The first page starts above every row that there can be."""
    time, number = newest_first(None)
    assert time > datetime(2200, 1, 1, tzinfo=UTC)
    assert number == 2**63 - 1


def test_a_cursor_always_has_an_offset() -> None:
    """A time without offset in a forged cursor is taken as UTC; one with an offset is that instant."""
    forged = encode((datetime(2026, 1, 1, 12), 1))  # noqa: DTZ001
    assert newest_first(forged) == (datetime(2026, 1, 1, 12, tzinfo=UTC), 1)
    east = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert newest_first(encode((east, 1)))[0] == datetime(2026, 1, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "key",
    [
        None,
        7,
        "x",
        [],
        [1, 2],
        ["2026-01-01T00:00:00Z"],
        ["2026-01-01T00:00:00Z", "1"],
        ["2026-01-01T00:00:00Z", 1, 2],
    ],
)
def test_a_cursor_of_another_shape_is_refused(key: Any) -> None:
    """A cursor that holds anything but a time and a number is BadInput."""
    forged = urlsafe_b64encode(msgspec.msgpack.encode(key)).rstrip(b"=").decode()
    with pytest.raises(BadInput, match="next_cursor"):
        newest_first(forged)


@given(st.text(max_size=60))
def test_no_text_is_an_error_of_ours(text: str) -> None:
    """Whatever is sent as a cursor is either read or BadInput."""
    with contextlib.suppress(BadInput):
        newest_first(text)


@given(st.lists(st.integers(1, 10**6), unique=True, max_size=40), st.integers(1, 10))
def test_pages_in_memory_are_the_whole_list(numbers: list[int], limit: int) -> None:
    """Asking for limit + 1 rows below the cursor, page after page, gives each row once and then ends."""
    time = datetime(2026, 1, 1, tzinfo=UTC)
    rows = sorted(((time, number) for number in numbers), reverse=True)
    seen: list[tuple[datetime, int]] = []
    cursor: str | None = None
    for _ in range(len(rows) + 1):
        before = newest_first(cursor)
        below = [row for row in rows if row < before][: limit + 1]
        shown: Page[tuple[datetime, int]] = page(below, limit, lambda row: row)
        seen += shown.items
        cursor = shown.next_cursor
        if cursor is None:
            break
    assert seen == rows
    assert paging.page([], limit, lambda row: row) == Page([])
