"""Who may come in: every route needs a session unless its handler says otherwise.

    @get("/api/market/quotes", opt=signed_in)      # any user
    @post("/api/market/bars", opt=operator)        # operators
    @get("/api/health", opt=public)                # everybody

`opt` and not Litestar's `guards`: those copy the handler for each guard at each request, 20 µs apiece.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adaf.problem import Forbidden, NotSignedIn

if TYPE_CHECKING:
    from adaf.request import Request
    from pack2.http import Identity

public: Final[dict[str, Any]] = {"role": None}
signed_in: Final[dict[str, Any]] = {"role": "viewer"}
trader: Final[dict[str, Any]] = {"role": "trader"}
operator: Final[dict[str, Any]] = {"role": "operator"}


async def admit(request: Request) -> None:
    """Put the identity into the scope. Raises NotSignedIn, or Forbidden when the role does not suffice."""
    scope: Any = request.scope
    role = scope["route_handler"].opt.get("role", "viewer")
    if role is None:
        return
    identity: Identity | None = await scope["litestar_app"].state.sessions.known(scope)
    if identity is None:
        raise NotSignedIn
    if role not in identity.roles:
        raise Forbidden(f"This needs the role {role}.")
    scope["user"] = identity
