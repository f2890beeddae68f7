"""The request as the rooms see it: who asks, and the database.

@get("/portfolios", opt=signed_in)
async def portfolios(request: Request) -> list[Portfolio]:
    return await reads.portfolios(request.db, request.user_id)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import litestar

from adaf.auth.sessions import PUBLIC_ONLY

if TYPE_CHECKING:
    from adaf.database import Database
    from pack2.http import Identity
    from pack2.monitoring import Recorder


class Request(litestar.Request[Any, Any, Any]):
    """Litestar's request with `db`, `identity` and `user_id`; the last two not on public routes."""

    __slots__ = ()

    @property
    def db(self) -> Database:
        database: Database = self.scope["litestar_app"].state.database
        return database

    @property
    def metrics(self) -> Recorder:
        """Where the rooms count."""
        recorder: Recorder = self.scope["litestar_app"].state.metrics
        return recorder

    @property
    def identity(self) -> Identity:
        identity: Identity = self.scope["user"]
        return identity

    @property
    def user_id(self) -> int:
        return int(self.scope["user"].user_id)

    @property
    def strategies_owner_id(self) -> int:
        """Whose private strategies may be in the answer: the user's, or nobody's (0) where the answer is for
        all who see public ones alone. The cache shares it with that group, so it must not hold more.
        """
        return 0 if self.identity.group == PUBLIC_ONLY else self.user_id
