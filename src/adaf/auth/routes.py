"""/api/auth."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.params import JSONBody

from adaf.auth import reads
from adaf.auth.guards import public, signed_in
from adaf.auth.models import Credentials, Me, SignedIn
from adaf.auth.sign_in import session_cookie
from adaf.request import Request


@post("/api/auth/sign-in", opt=public, status_code=200)
async def sign_in(request: Request, data: JSONBody[Credentials]) -> Response[SignedIn]:
    """Open a session; its token comes as a cookie and in the answer, for use as bearer token."""
    signed_in = await request.app.state.gate.admit(request, data)
    return Response(
        signed_in,
        cookies=[session_cookie(request, signed_in.token)],
        headers={"Cache-Control": "no-store"},
    )


@post("/api/auth/sign-out", opt=signed_in, status_code=204)
async def sign_out(request: Request) -> Response[None]:
    """End this session, everywhere at once."""
    await request.app.state.sessions.close(request.scope)
    return Response(None, cookies=[session_cookie(request, "")])


@get("/api/auth/me", opt=signed_in)
async def me(request: Request) -> Me:
    """The signed-in user, their open sessions and their last sign-ins."""
    return await reads.me(request.db, request.user_id)


routes = [sign_in, sign_out, me]
