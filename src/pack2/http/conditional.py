"""Validators: an entity tag from content, equal in every worker, and If-None-Match (RFC 9110 §13.1.2)."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

_TAG: Final = re.compile(rb'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def entity_tag(content_type: bytes, body: bytes) -> bytes:
    """A weak tag of 96 bits: weak, because compressed and plain forms share it (RFC 9110 §8.8.3.3)."""
    digest = blake2b(body, digest_size=12, key=content_type[:64])
    return b'W/"%s"' % digest.hexdigest().encode()


def matches(if_none_match: bytes, tag: bytes) -> bool:
    """True when the client holds `tag` already: weak comparison against a list, or `*`."""
    if if_none_match == tag:
        return True
    if if_none_match.strip() == b"*":
        return True
    opaque = tag.removeprefix(b"W/")
    return any(match[1] == opaque for match in _TAG.finditer(if_none_match))
