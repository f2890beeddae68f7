"""An application of a few lines behind the middleware, with the memory tier alone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from asgi_client import Reply, ask

from pack2.cache import Cache
from pack2.config import HttpPolicy
from pack2.http import IDENTITY_KEY, CacheMiddleware, Identity

Handler = Callable[[Any, Any, Any], Awaitable[None]]
POLICIES = (
    HttpPolicy("/private", scope="private", ttl_seconds=60, tags=("t",)),
    HttpPolicy("/shared", scope="shared", ttl_seconds=60, tags=("t",)),
    HttpPolicy("/public", scope="public", ttl_seconds=60),
    HttpPolicy("/stale", scope="private", ttl_seconds=60, stale_seconds=30, tags=("t",)),
    HttpPolicy("/fresh", scope="private", ttl_seconds=60, honour_no_cache=True),
    HttpPolicy("/language", scope="shared", ttl_seconds=60, vary=("Accept-Language",)),
    HttpPolicy("/write", methods=("POST",), expires=("t",)),
    HttpPolicy("/none"),
)


class Site:
    """An application whose next answers are set by the test; it counts and keeps what reached it."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.status = 200
        self.headers: list[tuple[bytes, bytes]] = []
        self.chunks: list[bytes] | None = None
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.cancelled = 0
        self.identified = 0
        self.signed_out: set[str] = set()
        self.cache = Cache()
        self.http = CacheMiddleware(
            self,
            cache=self.cache,
            identify=self.identify,
            policies=POLICIES,
            session_cookie="sid",
            max_body_bytes=10_000,
        )

    @property
    def handled(self) -> int:
        return len(self.scopes)

    async def identify(self, scope: Any) -> Identity | None:
        self.identified += 1
        token = dict(scope["headers"])[b"authorization"].decode().removeprefix("Bearer ")
        if token == "broken":
            raise OSError("the database is away")
        if token in self.signed_out or token == "nobody":
            return None
        return Identity(token, frozenset(), f"session:{token}", time.time() + 3600)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        number = self.handled
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        if self.chunks is None:
            identity = scope.get(IDENTITY_KEY)
            chunks = [json.dumps({"user": identity and identity.user_id, "number": number}).encode()]
        else:
            chunks = self.chunks
        headers = [(b"content-type", b"application/json"), (b"server-timing", b"db;dur=5"), *self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        for index, chunk in enumerate(chunks):
            await send({"type": "http.response.body", "body": chunk, "more_body": index < len(chunks) - 1})

    async def get(self, path: str, user: str | None = "7", **options: Any) -> Reply:
        return await ask(self.http, path, user, **options)
