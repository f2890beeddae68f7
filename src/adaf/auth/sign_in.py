"""Sign-in: one path for the JSON route and the form, with equal time for unknown and known addresses.

signed_in = await request.app.state.gate.admit(request, credentials)   # NotSignedIn, TooManyRequests
return Response(signed_in, cookies=[session_cookie(request, signed_in.token)])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar.datastructures import Cookie

from adaf.audit.writes import record
from adaf.auth import reads
from adaf.auth.limits import Limiter
from adaf.auth.models import Credentials, SignedIn
from adaf.auth.passwords import PasswordCheck
from adaf.auth.sessions import COOKIE, Sessions
from adaf.problem import NotSignedIn, TooManyRequests

if TYPE_CHECKING:
    from adaf.database import Database
    from adaf.request import Request
    from pack2.monitoring import Recorder

_LOOPBACK = ("127.0.0.1", "::1")


class Gate:
    """Admits people: rate limits an address and an account, checks the password, opens the session."""

    def __init__(self, db: Database, sessions: Sessions, metrics: Recorder) -> None:
        self._db = db
        self._metrics = metrics
        self._sessions = sessions
        self._addresses = Limiter(burst=20, interval_seconds=3)
        self._accounts = Limiter(burst=10, interval_seconds=30)
        self.passwords = PasswordCheck()

    async def admit(self, request: Request, credentials: Credentials) -> SignedIn:
        """A new session for these credentials. Raises NotSignedIn or TooManyRequests."""
        email = credentials.email.strip().lower()
        stored = await reads.credentials(self._db, email)
        address = request.client.host if request.client else ""
        is_limited = not (stored and stored.is_test_account and address in _LOOPBACK)
        if is_limited:
            self._limit(address, email)
        matches = await self.passwords.matches(stored.password_hash if stored else None, credentials.password)
        if stored is None or not matches:
            self._count("refused")
            raise NotSignedIn("The e-mail address or the password is wrong.")
        if is_limited:
            self._accounts.forget(email)
            self._addresses.give_back(address)
        async with self._db.transaction() as transaction:
            token, expires_at = await self._sessions.open(transaction, stored.id)
            await record(transaction, stored.id, "auth.sign_in", f"user:{stored.id}", {"address": address})
        self._count("admitted")
        return SignedIn(token=token, user=await reads.user(self._db, stored.id), expires_at=expires_at)

    def _limit(self, address: str, email: str) -> None:
        for limiter, key in ((self._addresses, address), (self._accounts, email)):
            if wait_seconds := limiter.attempt(key):
                self._count("limited")
                raise TooManyRequests(
                    f"Too many attempts; try again in {wait_seconds} seconds.", wait_seconds
                )

    def _count(self, result: str) -> None:
        self._metrics.add("adaf_sign_ins_total", (result,))


def session_cookie(request: Request, token: str) -> Cookie:
    """The cookie that carries `token`; an empty token removes it."""
    settings = request.app.state.settings
    return Cookie(
        key=COOKIE,
        value=token,
        max_age=settings.session_seconds if token else 0,
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings.secure_cookies or request.scope["scheme"] == "https",
    )
