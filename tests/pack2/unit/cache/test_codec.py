"""Values come back equal, or their type is refused."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pack2.cache.codec import CacheTypeError, Codec, pack, unpack


class Side(enum.Enum):
    BUY = "buy"
    SELL = "sell"


class Trade(msgspec.Struct, frozen=True):
    symbol: str
    side: Side
    quantity: decimal.Decimal
    price: float
    at: datetime.datetime
    id: uuid.UUID
    note: str | None
    tags: tuple[str, ...]
    parent: Trade | None = None


class Loose(msgspec.Struct):
    name: str


class Plain:
    pass


def trades() -> st.SearchStrategy[Trade]:
    return st.builds(
        Trade,
        quantity=st.decimals(allow_nan=False),
        price=st.floats(allow_nan=False),
        at=st.datetimes(timezones=st.just(datetime.UTC)),
        parent=st.none(),
    )


@given(st.lists(trades(), max_size=5).map(tuple))
def test_values_come_back_equal_through_bytes(value: tuple[Trade, ...]) -> None:
    """What Redis gives back equals what memory gives back."""
    codec: Codec[tuple[Trade, ...]] = Codec(tuple[Trade, ...])
    assert codec.decode(unpack(pack(codec.encode(value)))) == value


@pytest.mark.parametrize(
    "type_",
    [
        int,
        str | None,
        Trade,
        tuple[Trade, ...],
        frozenset[int],
        Literal["a", "b"],
        Annotated[int, 5],
        Side,
        tuple[int, str],
    ],
)
def test_immutable_types_that_come_back_equal_are_taken(type_: Any) -> None:
    """Scalars, frozen structs, tuples and frozensets of them."""
    Codec(type_)


@pytest.mark.parametrize(
    "type_",
    [
        list[int],
        dict[str, int],
        set[int],
        Any,
        object,
        Loose,
        Plain,
        tuple,
        frozenset,
        tuple[list[int], ...],
        Mapping[str, int],
        int | Any,
        complex,
    ],
)
def test_types_that_differ_or_can_be_changed_are_refused(type_: Any) -> None:
    """A type that one reader could change for the others, or that bytes do not give back, is told at once."""
    with pytest.raises(CacheTypeError, match="can not be cached"):
        Codec(type_)


@given(st.binary(max_size=5000))
def test_packing_gives_the_bytes_back(data: bytes) -> None:
    """Compressed or not."""
    assert unpack(pack(data)) == data


def test_large_values_are_compressed() -> None:
    """A kilobyte of text becomes smaller, a few bytes stay as they are."""
    assert len(pack(b"price " * 1000)) < 600
    assert len(pack(b"price")) == 6
