"""A request that asks for a new answer gets one, also where other processes left theirs in Redis."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from asgi_client import Reply, ask

from pack2.cache import Cache
from pack2.config import HttpPolicy
from pack2.http import CacheMiddleware, Identity

POLICIES = (
    HttpPolicy("/fresh", scope="public", ttl_seconds=60, honour_no_cache=True),
    HttpPolicy("/kept", scope="public", ttl_seconds=60),
)
NO_CACHE = [("cache-control", "no-cache")]


class Process:
    """One process of the application, whose answers are numbered."""

    def __init__(self, url: str, namespace: str) -> None:
        self.handled = 0
        self.cache = Cache(redis_url=url, namespace=namespace)
        self.http = CacheMiddleware(self, cache=self.cache, identify=nobody, policies=POLICIES)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.handled += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % self.handled})

    async def ask(self, path: str, headers: list[tuple[str, str]] | None = None) -> Reply:
        """The answer, once Redis has it too."""
        reply = await ask(self.http, path, headers=headers)
        await asyncio.gather(*self.cache._tasks)
        return reply


async def nobody(scope: Any) -> Identity | None:
    return None


async def test_a_new_answer_is_loaded_and_kept_for_all(redis_url: str) -> None:
    """Where the policy says so: it replaces the one in memory and the one in Redis."""
    namespace = uuid4().hex
    first, second, third = (Process(redis_url, namespace) for _ in range(3))
    async with first.cache, second.cache, third.cache:
        assert (await first.ask("/fresh")).body == b"1"
        assert (await first.ask("/fresh", NO_CACHE)).body == b"2"
        assert (await second.ask("/fresh", NO_CACHE)).body == b"1"
        assert (await second.ask("/fresh")).is_hit
        assert "detail=redis" in (await third.ask("/fresh")).cache_status
        assert (first.handled, second.handled, third.handled) == (2, 1, 0)


async def test_elsewhere_a_client_can_not_make_the_application_work(redis_url: str) -> None:
    """Without the setting a request's no-cache changes nothing."""
    process = Process(redis_url, uuid4().hex)
    async with process.cache:
        for _ in range(3):
            assert (await process.ask("/kept", NO_CACHE)).body == b"1"
