"""Keyset pages: a cursor names the last row seen, so page 1,000 costs what the first costs.

In a room's read, ask for one row more than the page shows and order by the same columns as the cursor holds:

    after = newest_first(cursor)                    # the last row's (executed_at, id), or above all of them
    rows = await db.fetch("transactions_page", portfolio_id, *after, limit + 1, type=Transaction)
    return page(rows, limit, lambda row: (row.executed_at, row.id))

with `WHERE portfolio_id = $1 AND (executed_at, id) < ($2, $3) ORDER BY executed_at DESC, id DESC LIMIT $4`.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec

from adaf.problem import BadInput

T = TypeVar("T")
Key = TypeVar("Key", bound=tuple[Any, ...])

_ABOVE_ALL = (datetime(9999, 1, 1, tzinfo=UTC), 2**63 - 1)


class Page(msgspec.Struct, Generic[T], frozen=True):
    """`next_cursor` is the `cursor` of the next page; null at the end."""

    items: list[T]
    next_cursor: str | None = None


def page(rows: list[T], limit: int, key: Callable[[T], tuple[Any, ...]]) -> Page[T]:
    """The first `limit` of `rows` (of which there are up to `limit + 1`) and the cursor behind them."""
    if len(rows) <= limit:
        return Page(rows)
    kept = rows[:limit]
    return Page(kept, encode(key(kept[-1])))


def encode(key: tuple[Any, ...]) -> str:
    """An opaque cursor: base64url without padding over MessagePack."""
    return urlsafe_b64encode(msgspec.msgpack.encode(key)).rstrip(b"=").decode()


def decode(cursor: str | None, type: type[Key]) -> Key | None:
    """The key in `cursor`; None when there is no cursor. Raises BadInput for one that is not ours."""
    if cursor is None:
        return None
    try:
        return msgspec.msgpack.decode(
            urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)), type=type
        )
    except (ValueError, msgspec.DecodeError):
        raise BadInput(
            "`cursor` is the `next_cursor` of an earlier page of the same list, unchanged."
        ) from None


def newest_first(cursor: str | None) -> tuple[datetime, int]:
    """The (time, id) below which a list of both, newest first, goes on; above every row without a cursor."""
    time, number = decode(cursor, tuple[datetime, int]) or _ABOVE_ALL
    return (time if time.tzinfo else time.replace(tzinfo=UTC)), number
