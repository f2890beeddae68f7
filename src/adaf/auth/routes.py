"""/api/auth."""

from __future__ import annotations

from litestar import get

from adaf.auth import reads
from adaf.auth.guards import signed_in
from adaf.auth.models import Me
from adaf.request import Request


@get("/api/auth/me", guards=[signed_in])
async def me(request: Request) -> Me:
    """The signed-in user and their open sign-ins."""
    return await reads.me(request.db, request.user_id)


routes = [me]
