"""A stored answer: everything that a hit sends is built when it is filled."""

from __future__ import annotations

import struct
import zlib
from typing import Final, TypeAlias

import msgspec

from pack2.cache.codec import compress, decompress
from pack2.http.conditional import entity_tag
from pack2.http.policy import Policy

Headers: TypeAlias = list[tuple[bytes, bytes]]

_HEAD: Final = struct.Struct(">BI")
_NOT_KEPT: Final = frozenset(
    b"age cache-control cache-status connection content-encoding content-length date etag expires keep-alive "
    b"last-modified pragma server server-timing set-cookie te trailer transfer-encoding upgrade vary "
    b"x-request-id".split()
)
_COVERED: Final = frozenset((b"accept-encoding", b"origin"))
_BY_USER: Final = frozenset((b"cookie", b"authorization"))
_accepted: dict[bytes, bytes] = {}


class _Stored(msgspec.Struct, array_like=True, frozen=True):
    status: int
    headers: list[tuple[bytes, bytes]]


class Answer:
    """Status, the headers of each form, and the body plain and compressed."""

    __slots__ = ("_gzip", "_plain", "_stored", "_zstd", "etag", "headers_304", "size_bytes", "status")

    def __init__(
        self, status: int, headers: Headers, body: bytes, policy: Policy, zstd: bytes | None = None
    ) -> None:
        kept = [(name, value) for name, value in headers if name not in _NOT_KEPT]
        content_type = dict(kept).get(b"content-type", b"")
        self.status = status
        self.etag = entity_tag(content_type, body)
        self._stored = _Stored(status, kept)
        control = [(b"etag", self.etag), (b"cache-control", _cache_control(policy)), (b"vary", _vary(policy))]
        self.headers_304: Headers = control
        zstd = zstd or (compress(body) if _is_text(content_type) else None)
        shared = [*kept, *control]
        self._plain = ([*shared, (b"content-length", b"%d" % len(body))], body)
        self._zstd = None if zstd is None else (_encoded(shared, b"zstd", zstd), zstd)
        self._gzip: tuple[Headers, bytes] | None = None
        self.size_bytes = 2 * len(body) + 1000

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Answer) and (self.status, self.etag) == (other.status, other.etag)

    def form(self, accept_encoding: bytes | None) -> tuple[Headers, bytes]:
        """Headers and body in the smallest form that the client takes."""
        if accept_encoding is None or self._zstd is None:
            return self._plain
        encoding = _accepted.get(accept_encoding)
        if encoding is None:
            encoding = _remember(accept_encoding)
        if encoding == b"zstd":
            return self._zstd
        return self._gzipped() if encoding == b"gzip" else self._plain

    def to_bytes(self) -> bytes:
        """A header struct, then the body, compressed where that pays."""
        head = msgspec.msgpack.encode(self._stored)
        body, is_zstd = (self._plain[1], 0) if self._zstd is None else (self._zstd[1], 1)
        return _HEAD.pack(is_zstd, len(head)) + head + body

    @classmethod
    def from_bytes(cls, data: bytes, policy: Policy) -> Answer:
        is_zstd, length = _HEAD.unpack_from(data)
        end = _HEAD.size + length
        stored = msgspec.msgpack.decode(data[_HEAD.size : end], type=_Stored)
        body = data[end:]
        if is_zstd:
            return cls(stored.status, stored.headers, decompress(body), policy, zstd=body)
        return cls(stored.status, stored.headers, body, policy)

    def _gzipped(self) -> tuple[Headers, bytes]:
        if self._gzip is None:
            headers, body = self._plain
            packer = zlib.compressobj(6, zlib.DEFLATED, 31)
            packed = packer.compress(body) + packer.flush()
            self._gzip = (_encoded(headers[:-1], b"gzip", packed), packed)
        return self._gzip


def refusal(status: int, headers: Headers, policy: Policy) -> str:
    """Why this answer must not be stored (RFC 9111 §3, and more strictly); "" where it may."""
    if status not in policy.statuses:
        return "status"
    vary: set[bytes] = set()
    for name, value in headers:
        if name == b"set-cookie":
            return "set-cookie"
        if name == b"cache-control" and (reason := _forbids(value.lower(), policy)):
            return reason
        if name == b"content-encoding":
            return "encoded"
        if name == b"content-type" and value.startswith(b"text/event-stream"):
            return "stream"
        if name == b"vary":
            vary.update(part.strip().lower() for part in value.split(b","))
    covered = _COVERED.union(policy.vary, _BY_USER if policy.scope == "private" else ())
    return "vary" if vary - covered - {b""} else ""


def _forbids(cache_control: bytes, policy: Policy) -> str:
    directives = {part.strip().split(b"=", 1)[0] for part in cache_control.split(b",")}
    if b"no-store" in directives:
        return "no-store"
    return "private" if b"private" in directives and policy.scope != "private" else ""


def _encoded(headers: Headers, encoding: bytes, body: bytes) -> Headers:
    return [*headers, (b"content-encoding", encoding), (b"content-length", b"%d" % len(body))]


def _cache_control(policy: Policy) -> bytes:
    """The browser asks each time, with its entity tag: only then does an expiry reach it."""
    return b"public, no-cache" if policy.scope == "public" else b"private, no-cache"


def _vary(policy: Policy) -> bytes:
    by_user = () if policy.scope == "public" else (b"Cookie", b"Authorization")
    return b", ".join((b"Accept-Encoding", *by_user, *policy.vary))


def _is_text(content_type: bytes) -> bool:
    kind = content_type.split(b";", 1)[0].strip().lower()
    return kind.startswith(b"text/") or kind.endswith((b"json", b"javascript", b"xml", b"x-ndjson"))


def _remember(accept_encoding: bytes) -> bytes:
    if len(_accepted) > 1000:
        _accepted.clear()
    _accepted[accept_encoding] = encoding = _choose(accept_encoding)
    return encoding


def _choose(accept_encoding: bytes) -> bytes:
    """zstd, gzip or identity by RFC 9110 §12.5.3; a weight of zero refuses."""
    accepted = set()
    for part in accept_encoding.lower().split(b","):
        name, _, weight = part.partition(b";")
        if weight.strip().replace(b" ", b"").rstrip(b"0") not in (b"q=", b"q=0."):
            accepted.add(name.strip())
    return next((encoding for encoding in (b"zstd", b"gzip") if encoding in accepted), b"identity")
