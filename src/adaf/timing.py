"""Where a request's time went, for the `Server-Timing` header: database, waiting for a connection, rest."""

from __future__ import annotations

from contextvars import ContextVar
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pack2.http.identity import ASGIApp, Message, Receive, Scope, Send


class Spent:
    """Seconds that one request spent so far; `Database` adds to the one in `current`."""

    __slots__ = ("db_seconds", "pool_seconds", "queries")

    def __init__(self) -> None:
        self.db_seconds = 0.0
        self.pool_seconds = 0.0
        self.queries = 0


current: ContextVar[Spent | None] = ContextVar("adaf_spent", default=None)


class ServerTiming:
    """ASGI middleware: `Server-Timing: db;dur=…, pool;dur=…, app;dur=…` (milliseconds) on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        spent = Spent()
        current.set(spent)

        async def timed_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                value = header(spent, perf_counter() - started)
                message["headers"] = [*message["headers"], (b"server-timing", value)]
            await send(message)

        await self.app(scope, receive, timed_send)


def header(spent: Spent, total_seconds: float) -> bytes:
    """The header's value; `app` is what neither the database nor the pool took, `queries` their number."""
    db, pool = spent.db_seconds * 1000, spent.pool_seconds * 1000
    app = max(0.0, total_seconds * 1000 - db - pool)
    return b'db;dur=%.3f, pool;dur=%.3f, app;dur=%.3f, queries;desc="%d"' % (db, pool, app, spent.queries)
