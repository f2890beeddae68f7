"""ASGI lifespan: the cache is up before the application starts and down after it has stopped."""

from __future__ import annotations

from pack2.cache.cache import Cache
from pack2.http.identity import ASGIApp, Message, Receive, Scope, Send


class Lifespan:
    """Passes lifespan on to the application, with the cache around it. An application without lifespan is
    well.
    """

    def __init__(self, app: ASGIApp, cache: Cache) -> None:
        self._app = app
        self._cache = cache

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked: list[str] = []

        async def receive_and_start() -> Message:
            message = await receive()
            asked.append(message["type"])
            if message["type"] == "lifespan.startup":
                await self._cache.start()
            return message

        async def send_and_stop(message: Message) -> None:
            if message["type"] in (
                "lifespan.shutdown.complete",
                "lifespan.shutdown.failed",
                "lifespan.startup.failed",
            ):
                await self._cache.stop()
            await send(message)

        try:
            await self._app(scope, receive_and_start, send_and_stop)
        except Exception:
            if asked:
                await self._cache.stop()
                raise
            await self._alone(receive, send)

    async def _alone(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._cache.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._cache.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return
