"""Sessions: a random token in the client's hands, its sha256 in the database, an absolute end."""

from __future__ import annotations

import secrets
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from adaf.auth.models import GroupedSessionRow, SessionRow
from pack2.cache.feed import CHANNEL
from pack2.http import IDENTITY_KEY, Identity

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from adaf.database import Database, Transaction

COOKIE = "adaf_session"
_ROLES = {
    "viewer": frozenset({"viewer"}),
    "trader": frozenset({"viewer", "trader"}),
    "operator": frozenset({"viewer", "trader", "operator"}),
}


PUBLIC_ONLY = "public only"
"""The group of those who see public strategies alone."""


class Sessions:
    """Opens, finds and closes sessions."""

    def __init__(self, db: Database, life_seconds: int) -> None:
        self._db = db
        self.life_seconds = life_seconds

    async def identify(self, scope: MutableMapping[str, Any]) -> Identity | None:
        """Who sends this request, by bearer token or cookie; None for nobody. The cache in front asks too."""
        token = token_of(scope)
        if token is None:
            return None
        row = await self._db.one("session_identity", _digest(token), type=SessionRow)
        return None if row is None else _identity(row, None)

    async def identify_with_group(self, scope: MutableMapping[str, Any]) -> Identity | None:
        """As `identify`, for the cache: users without strategies of their own are one group, PUBLIC_ONLY."""
        token = token_of(scope)
        if token is None:
            return None
        row = await self._db.one("session_identity_with_group", _digest(token), type=GroupedSessionRow)
        if row is None:
            return None
        return _identity(row, None if row.has_strategies else PUBLIC_ONLY)

    async def known(self, scope: MutableMapping[str, Any]) -> Identity | None:
        """What the cache in front found out already, else `identify`."""
        if IDENTITY_KEY in scope:
            identity: Identity | None = scope[IDENTITY_KEY]
            return identity
        return await self.identify(scope)

    async def open(self, transaction: Transaction, user_id: int) -> tuple[str, datetime]:
        """A new session of `user_id`: its token and its end. The user's ended sessions are removed."""
        token = secrets.token_urlsafe(32)
        await transaction.execute("sessions_purge_expired", user_id)
        expires_at: datetime = await transaction.value(
            "session_insert", _digest(token), user_id, self.life_seconds
        )
        return token, expires_at

    async def close(self, scope: MutableMapping[str, Any]) -> None:
        """End the session that this request belongs to, if any, and announce it: open streams end too."""
        if (token := token_of(scope)) is not None:
            await self._db.execute("session_delete", _digest(token), CHANNEL)


def _identity(row: SessionRow, group: str | None) -> Identity:
    return Identity(
        user_id=str(row.user_id),
        roles=_ROLES[row.role],
        session_tag=f"session:{row.user_id}",
        expires_at=row.expires_at.timestamp(),
        group=group,
    )


def token_of(scope: MutableMapping[str, Any]) -> str | None:
    """The session token: `Authorization: Bearer` before the cookie."""
    cookie = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            return bearer_token(value)
        if name == b"cookie":
            cookie = value
    return None if cookie is None else _cookie_token(cookie)


def digest_of(scope: MutableMapping[str, Any]) -> bytes:
    """The digest of the session token, by which the database knows the session; of nothing without one."""
    return _digest(token_of(scope) or "")


def bearer_token(value: bytes) -> str | None:
    """The token in an Authorization header; None for another scheme."""
    scheme, _, token = value.partition(b" ")
    return token.strip().decode("latin-1") if scheme.lower() == b"bearer" and token else None


def _cookie_token(value: bytes) -> str | None:
    for pair in value.split(b";"):
        name, _, token = pair.strip().partition(b"=")
        if name == COOKIE.encode():
            return token.decode("latin-1") or None
    return None


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
