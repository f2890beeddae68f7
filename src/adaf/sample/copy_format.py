"""PostgreSQL's binary COPY format from NumPy columns: text formatting of millions of rows in Python is too
slow.

Format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"; each type as its `*_send`
function writes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
_POSTGRES_EPOCH_MICROSECONDS = 946_684_800_000_000  # 2000-01-01 UTC after the Unix epoch
_TEXT_OID = 25

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Field:
    """One encoded column: `lengths` in bytes a row (-1 is null), `data` all rows' bytes one after the
    other.
    """

    lengths: npt.NDArray[np.int32]
    data: Bytes

    def __len__(self) -> int:
        return len(self.lengths)


def int4(values: npt.NDArray[Any]) -> Field:
    return _fixed(values.astype(">i4"))


def int8(values: npt.NDArray[Any]) -> Field:
    return _fixed(values.astype(">i8"))


def float8(values: Floats) -> Field:
    return _fixed(values.astype(">f8"))


def boolean(values: Booleans) -> Field:
    return _fixed(values.astype(np.uint8))


def date(unix_days: Integers) -> Field:
    """`unix_days`: days since 1970-01-01."""
    return _fixed((unix_days - 10_957).astype(">i4"))


def timestamptz(unix_microseconds: Integers) -> Field:
    """`unix_microseconds`: microseconds since 1970-01-01 UTC."""
    return _fixed((unix_microseconds - _POSTGRES_EPOCH_MICROSECONDS).astype(">i8"))


def uuid(values: Bytes, nulls: Booleans) -> Field:
    """`values` is (rows, 16), made version 4 (RFC 9562); rows where `nulls` is true become null."""
    values[:, 6] = values[:, 6] & 0x0F | 0x40
    values[:, 8] = values[:, 8] & 0x3F | 0x80
    return _without(_fixed(values), nulls)


def numeric(scaled: Integers, *, scale: int) -> Field:
    """Non-negative numerics given as integers scaled by 10**scale. Digits are base 10,000; the server
    strips zeros.
    """
    fraction_digits = -(-scale // 4)
    rest = scaled % 10**scale * 10 ** (fraction_digits * 4 - scale)
    whole = scaled // 10**scale
    whole_digits = 4
    columns = np.empty((len(scaled), 4 + whole_digits + fraction_digits), dtype=">i2")
    columns[:, :4] = (whole_digits + fraction_digits, whole_digits - 1, 0, scale)
    for place in range(whole_digits):
        columns[:, 3 + whole_digits - place] = whole % 10_000
        whole = whole // 10_000
    for place in range(fraction_digits):
        columns[:, 3 + whole_digits + fraction_digits - place] = rest % 10_000
        rest = rest // 10_000
    return _fixed(columns)


def text(values: Sequence[str | None]) -> Field:
    return _variable([None if value is None else value.encode() for value in values])


def choice(codes: npt.NDArray[Any], words: Sequence[str]) -> Field:
    """Text from a small vocabulary: row i is `words[codes[i]]`."""
    encoded = [word.encode() for word in words]
    return _variable([encoded[code] for code in codes.tolist()])


def jsonb(documents: Sequence[str | None]) -> Field:
    return _variable([None if document is None else b"\x01" + document.encode() for document in documents])


def binary(values: Sequence[bytes]) -> Field:
    return _variable(values)


def text_array(rows: Sequence[Sequence[str]]) -> Field:
    """One-dimensional text[] without nulls."""
    return _variable([_array(row) for row in rows])


def encode(fields: Sequence[Field]) -> bytes:
    """The rows of `fields` as COPY tuples, without header and trailer."""
    rows = len(fields[0])
    if all(_is_uniform(field) for field in fields):
        return _encode_uniform(fields)
    widths = np.stack([np.maximum(field.lengths, 0) for field in fields]).astype(np.int64)
    cursor = np.empty(rows + 1, dtype=np.int64)
    cursor[0] = 0
    np.cumsum(widths.sum(axis=0) + (2 + 4 * len(fields)), out=cursor[1:])
    output = np.empty(int(cursor[-1]), dtype=np.uint8)
    place = cursor[:-1].copy()
    _put(output, place, np.full(rows, len(fields), dtype=">i2"))
    place += 2
    for field, width in zip(fields, widths, strict=True):
        _put(output, place, field.lengths.astype(">i4"))
        place += 4
        _scatter(output, place, width, field.data)
        place += width
    return output.tobytes()


def _is_uniform(field: Field) -> bool:
    return bool((field.lengths == field.lengths[:1]).all()) and field.lengths[0] >= 0


def _encode_uniform(fields: Sequence[Field]) -> bytes:
    """All rows of one length: a matrix, written column by column."""
    rows = len(fields[0])
    output = np.empty((rows, 2 + sum(4 + int(field.lengths[0]) for field in fields)), dtype=np.uint8)
    output[:, :2] = np.frombuffer(len(fields).to_bytes(2, "big"), np.uint8)
    place = 2
    for field in fields:
        width = int(field.lengths[0])
        output[:, place : place + 4] = np.frombuffer(width.to_bytes(4, "big"), np.uint8)
        output[:, place + 4 : place + 4 + width] = field.data.reshape(rows, width)
        place += 4 + width
    return output.tobytes()


def _put(output: Bytes, place: Integers, values: npt.NDArray[Any]) -> None:
    matrix = values.view(np.uint8).reshape(len(values), -1)
    for offset in range(matrix.shape[1]):
        output[place + offset] = matrix[:, offset]


def _scatter(output: Bytes, place: Integers, width: Integers, data: Bytes) -> None:
    """Write row i's `width[i]` bytes of `data` at `place[i]`."""
    if not len(data):
        return
    if (width == width[0]).all():
        _put(output, place, data.reshape(len(place), -1))
        return
    starts = np.cumsum(width) - width
    output[np.repeat(place - starts, width) + np.arange(len(data))] = data


def _fixed(values: npt.NDArray[Any]) -> Field:
    data = np.ascontiguousarray(values).view(np.uint8).reshape(-1)
    width = len(data) // max(len(values), 1)
    return Field(np.full(len(values), width, dtype=np.int32), data)


def _without(field: Field, nulls: Booleans) -> Field:
    width = len(field.data) // max(len(nulls), 1)
    return Field(
        np.where(nulls, -1, width).astype(np.int32), field.data.reshape(-1, width)[~nulls].reshape(-1)
    )


def _variable(values: Sequence[bytes | None]) -> Field:
    lengths = np.fromiter((-1 if value is None else len(value) for value in values), np.int32, len(values))
    return Field(lengths, np.frombuffer(b"".join(value for value in values if value is not None), np.uint8))


def _array(words: Sequence[str]) -> bytes:
    def integer(value: int) -> bytes:
        return value.to_bytes(4, "big")

    if not words:
        return integer(0) + integer(0) + integer(_TEXT_OID)
    encoded = [word.encode() for word in words]
    header = integer(1) + integer(0) + integer(_TEXT_OID) + integer(len(words)) + integer(1)
    return header + b"".join(integer(len(word)) + word for word in encoded)
