"""The binary COPY encoders, read back by psycopg's own binary loaders."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import Transformer
from psycopg.pq import Format

from adaf.sample import copy_format as copy
from adaf.sample.copy_format import Field, encode

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WORDS = st.lists(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=12
)


def _cells(data: bytes) -> Iterator[list[bytes | None]]:
    """The rows of COPY tuples, cell by cell."""
    place = 0
    while place < len(data):
        (count,) = struct.unpack_from(">h", data, place)
        place += 2
        row: list[bytes | None] = []
        for _ in range(count):
            (length,) = struct.unpack_from(">i", data, place)
            place += 4
            row.append(None if length < 0 else data[place : place + length])
            place += max(length, 0)
        yield row


def _read(field: Field, type_name: str) -> list[Any]:
    """The values of one column, as psycopg understands them."""
    known = psycopg.adapters.types[type_name.removesuffix("[]")]
    loader = Transformer().get_loader(
        known.array_oid if type_name.endswith("[]") else known.oid, Format.BINARY
    )
    return [None if cell is None else loader.load(cell) for (cell,) in _cells(encode([field]))]


@pytest.mark.parametrize(
    ("encoder", "type_name", "low", "high"),
    [(copy.int4, "int4", -(2**31), 2**31 - 1), (copy.int8, "int8", -(2**63), 2**63 - 1)],
)
def test_integers_come_back(encoder: Any, type_name: str, low: int, high: int) -> None:
    """The smallest, the largest and zero survive in both widths."""
    assert _read(encoder(np.array([low, -1, 0, 1, high])), type_name) == [low, -1, 0, 1, high]


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=12))
def test_floats_come_back(values: list[float]) -> None:
    """Every double survives bit by bit."""
    assert _read(copy.float8(np.array(values)), "float8") == values


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_booleans_come_back(values: list[bool]) -> None:
    """True and false survive."""
    assert _read(copy.boolean(np.array(values)), "bool") == values


@given(
    st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=12).map(
        lambda values: [value % 10**18 for value in values]
    ),
    st.sampled_from([2, 8]),
)
def test_numerics_come_back_exactly(values: list[int], scale: int) -> None:
    """A scaled integer becomes the same decimal, digit by digit, at 2 and at 8 places."""
    values = [value % 10 ** (16 + scale) for value in values]
    read = _read(copy.numeric(np.array(values, dtype=np.int64), scale=scale), "numeric")
    assert read == [Decimal(value).scaleb(-scale) for value in values]


@given(st.lists(st.integers(0, 4 * 10**15), min_size=1, max_size=12))
def test_moments_come_back(microseconds: list[int]) -> None:
    """Unix microseconds become the same instant."""
    read = _read(copy.timestamptz(np.array(microseconds)), "timestamptz")
    assert read == [EPOCH + timedelta(microseconds=value) for value in microseconds]


@given(st.lists(st.integers(0, 60_000), min_size=1, max_size=12))
def test_days_come_back(days: list[int]) -> None:
    """Days since 1970 become the same date."""
    read = _read(copy.date(np.array(days)), "date")
    assert read == [date(1970, 1, 1) + timedelta(days=value) for value in days]


@given(WORDS)
def test_text_comes_back(values: list[str]) -> None:
    """Text of any length and script survives, empty text too."""
    assert _read(copy.text(values), "text") == values


@given(st.lists(st.none() | st.text("aé漢"), min_size=1, max_size=12))
def test_null_is_not_empty_text(values: list[str | None]) -> None:
    """Null and empty text stay different."""
    assert _read(copy.text(values), "text") == values


@given(st.lists(st.lists(st.text("aé ,\"'{}")), min_size=1, max_size=12))
def test_text_arrays_come_back(rows: list[list[str]]) -> None:
    """Arrays survive: empty ones, and words with every character that text arrays quote."""
    assert _read(copy.text_array(rows), "text[]") == rows


def test_choices_are_words() -> None:
    """A code becomes its word."""
    assert _read(copy.choice(np.array([1, 0, 1]), ("buy", "sell")), "text") == ["sell", "buy", "sell"]


def test_documents_come_back() -> None:
    """A JSON document survives, and a missing one is null."""
    assert _read(copy.jsonb(['{"a": [1, "é"]}', None]), "jsonb") == [{"a": [1, "é"]}, None]


def test_bytes_come_back() -> None:
    """Bytes of different lengths survive."""
    assert _read(copy.binary([b"\0\xff", b"", b"abc"]), "bytea") == [b"\0\xff", b"", b"abc"]


def test_references_are_version_4_or_null() -> None:
    """A client reference is a random UUID (version 4, variant 1), or null where it is told."""
    raw = np.random.default_rng(1).integers(0, 256, (50, 16), np.uint8)
    read = _read(copy.uuid(raw, np.arange(50) % 2 == 1), "uuid")
    assert all(value is None for value in read[1::2])
    assert all(isinstance(value, UUID) and value.version == 4 for value in read[::2])


@given(WORDS)
def test_columns_of_one_row_stay_together(values: list[str]) -> None:
    """Fixed, variable and null cells of a row are written as that row."""
    rows = len(values)
    fields = [
        copy.int4(np.arange(rows)),
        copy.text(values),
        copy.text([None if row % 2 else "x" for row in range(rows)]),
        copy.int8(np.arange(rows) * 10),
    ]
    for row, cells in enumerate(_cells(encode(fields))):
        number, word, sometimes, tenfold = cells
        assert (number, tenfold) == (struct.pack(">i", row), struct.pack(">q", row * 10))
        assert word == values[row].encode()
        assert sometimes == (None if row % 2 else b"x")


def test_fixed_rows_are_written_as_mixed_rows_are() -> None:
    """The fast way for columns of fixed width gives the bytes of the general way."""
    fields = [copy.int4(np.arange(5)), copy.float8(np.arange(5.0))]
    mixed = list(_cells(encode([*fields, copy.text(["", "a", "bb", "", "c"])])))
    assert [row[:2] for row in mixed] == list(_cells(encode(fields)))
