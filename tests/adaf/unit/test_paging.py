"""Keyset pages."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaf.paging import decode, encode, page
from adaf.problem import BadInput


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-(2**63), 2**63 - 1))
def test_a_cursor_gives_its_key_back(ts: datetime, number: int) -> None:
    """What went into a cursor comes out of it, to the microsecond."""
    assert decode(encode((ts, number)), tuple[datetime, int]) == (ts, number)


def test_no_cursor_is_the_first_page() -> None:
    """None stands for the beginning."""
    assert decode(None, tuple[int]) is None


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "=",
        "zzz",
        "ÿ",
        "\x00",
        "💥",
        "gA",
        encode(("a",)),
        encode((1, 2, 3)),
        encode((None, 1)),
        encode(()),
    ],
)
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    """Anything but an unchanged cursor of the same list is bad input, with a sentence that says so."""
    with pytest.raises(BadInput, match="next_cursor"):
        decode(cursor, tuple[datetime, int])


@given(st.text(max_size=60))
def test_no_text_breaks_the_decoder(cursor: str) -> None:
    """Any text either is a cursor or is refused as bad input."""
    with suppress(BadInput):
        decode(cursor, tuple[int])


@given(st.integers(0, 30), st.integers(1, 10))
def test_pages_hold_every_row_once(count: int, limit: int) -> None:
    """Following the cursors yields all rows in order, in pages of the limit."""
    rows = list(range(count))
    seen: list[int] = []
    cursor: str | None = None
    while True:
        after = (decode(cursor, tuple[int]) or (-1,))[0]
        part = page([row for row in rows if row > after][: limit + 1], limit, lambda row: (row,))
        seen += part.items
        assert len(part.items) <= limit
        if (cursor := part.next_cursor) is None:
            break
    assert seen == rows
