"""Values as bytes: MessagePack by msgspec, zstd above a size. A memory hit and a Redis hit must never differ.

So a type that MessagePack does not give back equal is refused when it is declared, not when it is read.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import typing
import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar

import msgspec
import zstandard

from pack2.errors import Pack2Error

T = TypeVar("T")

COMPRESS_ABOVE_BYTES: Final = 1024
LARGEST_BYTES: Final = 64 * 1024 * 1024
RAW: Final = b"\x00"
ZSTD: Final = b"\x01"

_SCALARS: Final = (
    bool,
    int,
    float,
    str,
    bytes,
    type(None),
    datetime.date,
    datetime.time,
    datetime.timedelta,
    decimal.Decimal,
    uuid.UUID,
)
_IMMUTABLE_CONTAINERS: Final = (tuple, frozenset)
_compressor = zstandard.ZstdCompressor(level=1)
_decompressor = zstandard.ZstdDecompressor()


class CacheTypeError(Pack2Error):
    """{type} can not be cached: {reason}. Use scalars, frozen msgspec structs, tuples and frozensets of
    them.
    """


class Codec(Generic[T]):
    """Bytes of one type and back. Raises CacheTypeError for a type that would not come back equal."""

    def __init__(self, type_: Any) -> None:
        _check(type_, type_, ())
        self._encode = msgspec.msgpack.Encoder(decimal_format="string").encode
        self._decode = msgspec.msgpack.Decoder(type_).decode

    def encode(self, value: T) -> bytes:
        return self._encode(value)

    def decode(self, data: bytes) -> T:
        return typing.cast(T, self._decode(data))


@lru_cache(maxsize=1024)
def codec_of(type_: Any) -> Codec[Any]:
    return Codec(type_)


def compress(data: bytes) -> bytes | None:
    """zstd-1 of `data`, or None where it is small or does not save a tenth."""
    if len(data) < COMPRESS_ABOVE_BYTES:
        return None
    packed = _compressor.compress(data)
    return packed if len(packed) < 0.9 * len(data) else None


def decompress(data: bytes) -> bytes:
    return _decompressor.decompress(data, max_output_size=LARGEST_BYTES)


def pack(data: bytes) -> bytes:
    packed = compress(data)
    return RAW + data if packed is None else ZSTD + packed


def unpack(data: bytes) -> bytes:
    return data[1:] if data[:1] == RAW else decompress(data[1:])


def _check(declared: Any, type_: Any, seen: tuple[Any, ...]) -> None:
    if type_ in seen:
        return
    origin, arguments = typing.get_origin(type_), typing.get_args(type_)
    if type_ is Any or type_ is object:
        raise CacheTypeError(type=declared, reason="Any comes back as whatever MessagePack makes of it")
    if origin is typing.Annotated:
        arguments = arguments[:1]
    elif origin is typing.Literal:
        return
    elif origin is None:
        _check_plain(declared, type_, (*seen, type_))
    elif origin in (list, set, dict) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        raise CacheTypeError(
            type=declared, reason=f"{type_} is mutable: one reader would change what others read"
        )
    for argument in arguments:
        if argument is not Ellipsis:
            _check(declared, argument, (*seen, type_))


def _check_plain(declared: Any, type_: Any, seen: tuple[Any, ...]) -> None:
    if not isinstance(type_, type):
        raise CacheTypeError(type=declared, reason=f"{type_} is not a type")
    if type_ in _SCALARS or issubclass(type_, enum.Enum):
        return
    if type_ is datetime.datetime:
        return
    if issubclass(type_, msgspec.Struct):
        if not type_.__struct_config__.frozen:
            raise CacheTypeError(type=declared, reason=f"{type_.__name__} is not frozen")
        for field in msgspec.structs.fields(type_):
            _check(declared, field.type, seen)
        return
    if type_ in _IMMUTABLE_CONTAINERS:
        raise CacheTypeError(type=declared, reason=f"{type_.__name__} does not say what it holds")
    raise CacheTypeError(type=declared, reason=f"{type_.__name__} does not come back equal")
