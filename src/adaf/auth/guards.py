"""Guards: who may come in. `guards=[signed_in]`, `guards=[trader]` or `guards=[operator]` on a handler or router.

A route is public only when it says so with `opt={"public": True}`; the ownership test walks over all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adaf.problem import Forbidden, NotSignedIn

if TYPE_CHECKING:
    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler

    from pack2.http import Identity


async def _identity(connection: ASGIConnection[Any, Any, Any, Any]) -> Identity:
    scope: Any = connection.scope
    identity: Identity | None = await scope["litestar_app"].state.sessions.known(scope)
    if identity is None:
        raise NotSignedIn
    scope["user"] = identity
    return identity


async def signed_in(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Any user with a session (role viewer and above)."""
    await _identity(connection)


async def trader(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Traders and operators."""
    _require(await _identity(connection), "trader")


async def operator(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Operators."""
    _require(await _identity(connection), "operator")


def _require(identity: Identity, role: str) -> None:
    if role not in identity.roles:
        raise Forbidden(f"This needs the role {role}.")
