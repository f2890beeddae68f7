"""Identities by credential: asked once of the application, kept under the session's tag until it is signed
out.

The key is a SHA-256 of the Cookie and Authorization headers; no token is kept or written anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from hashlib import sha256
from time import monotonic
from typing import Final, NamedTuple

from pack2.cache.cache import Cache
from pack2.cache.tags import Marks, current
from pack2.http.identity import Identify, Identity, Scope

KEPT_SECONDS: Final = 60.0
MOST_IDENTITIES: Final = 50_000


class _Known(NamedTuple):
    identity: Identity
    marks: Marks
    until: float


def credential_of(headers: Mapping[bytes, bytes]) -> bytes | None:
    """A digest of what the client shows to be someone; None where it shows nothing."""
    cookie = headers.get(b"cookie")
    authorization = headers.get(b"authorization")
    if cookie is None and authorization is None:
        return None
    return sha256(b"%s\n%s" % (authorization or b"", cookie or b"")).digest()


class Identities:
    """What `identify` said lately. While the change feed is unproved it is asked each time."""

    def __init__(self, cache: Cache, identify: Identify) -> None:
        self._cache = cache
        self._identify = identify
        self._known: dict[bytes, _Known] = {}

    def known(self, credential: bytes) -> Identity | None:
        """The identity kept for `credential`, where it is still to be trusted."""
        found = self._known.get(credential)
        if found is None:
            return None
        now = monotonic()
        if now < found.until and now < self._cache.trusted_until and current(found.marks):
            return found.identity
        del self._known[credential]
        return None

    async def find(self, credential: bytes, scope: Scope) -> Identity | None:
        """The identity of `credential`, asked of the application where it is not kept."""
        if (identity := self.known(credential)) is not None:
            return identity
        sequence = self._cache.tags.sequence
        identity = await self._identify(scope)
        if identity is None or identity.expires_at <= time.time():
            return None
        self._keep(credential, identity, sequence)
        return identity

    def _keep(self, credential: bytes, identity: Identity, sequence: int) -> None:
        """Keep it, unless any tag was expired while it was asked: its tag was not known before."""
        marks = self._cache.tags.read((identity.session_tag,))
        if sequence != self._cache.tags.sequence or not self._cache.is_trusted():
            return
        if len(self._known) >= MOST_IDENTITIES:
            del self._known[next(iter(self._known))]
        kept_seconds = min(KEPT_SECONDS, identity.expires_at - time.time())
        self._known[credential] = _Known(identity, marks, monotonic() + kept_seconds)
