"""Sensitive answers leave the process encrypted, and come back to their own entry only."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from asgi_client import ask
from redis.asyncio import Redis

from pack2.cache import Cache
from pack2.cache.sealing import CacheKeyError, Sealer
from pack2.config import CacheSection, Config, Http, HttpPolicy
from pack2.http import CacheMiddleware, Identity, from_config

SECRET = b"marker-of-a-balance-17"
POLICIES = (
    HttpPolicy("/sealed", scope="private", ttl_seconds=60, sensitive=True),
    HttpPolicy("/other", scope="private", ttl_seconds=60, sensitive=True),
    HttpPolicy("/plain", scope="private", ttl_seconds=60),
)
KEY = base64.b64encode(os.urandom(32)).decode()


async def identify(scope: Any) -> Identity | None:
    return Identity("7", frozenset(), "session:7", time.time() + 3600)


class Process:
    """One process of the application, with a memory of its own over the Redis of all."""

    def __init__(self, url: str, namespace: str, key: str = KEY) -> None:
        self.handled = 0
        self.cache = Cache(redis_url=url, namespace=namespace)
        self.http = CacheMiddleware(
            self, cache=self.cache, identify=identify, policies=POLICIES, sealer=Sealer.from_text(key)
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.handled += 1
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": SECRET})


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[tuple[str, Redis]]:
    """A namespace of its own, and a look into Redis."""
    async with Redis.from_url(redis_url) as redis:
        yield uuid4().hex, redis


async def values(store: tuple[str, Redis]) -> list[bytes]:
    namespace, redis = store
    return [await redis.hget(key, "v") async for key in redis.scan_iter(f"{namespace}:*:e:*", 1000)]


async def test_redis_holds_no_plain_text_and_another_process_reads_it(
    redis_url: str, store: tuple[str, Redis]
) -> None:
    """Another process is answered from Redis, where the marker is not; without the setting it is there."""
    first, second = (Process(redis_url, store[0]) for _ in range(2))
    async with first.cache, second.cache:
        await ask(first.http, "/sealed", "x")
        (sealed,) = await values(store)
        assert SECRET not in sealed
        reply = await ask(second.http, "/sealed", "x")
        assert (reply.body, second.handled) == (SECRET, 0)
        await ask(first.http, "/plain", "x")
        assert any(SECRET in value for value in await values(store))


@pytest.mark.parametrize("damage", ["another entry", "another key", "cut off"])
async def test_what_does_not_open_is_loaded_anew(
    redis_url: str, store: tuple[str, Redis], damage: str
) -> None:
    """A swapped, foreign or damaged entry is no answer and no error: the application is asked, once."""
    first = Process(redis_url, store[0])
    second = Process(redis_url, store[0], base64.b64encode(bytes(32)).decode() if "key" in damage else KEY)
    async with first.cache, second.cache:
        await ask(first.http, "/sealed", "x")
        namespace, redis = store
        keys = [key async for key in redis.scan_iter(f"{namespace}:*:e:*", 1000)]
        if damage == "another entry":
            await ask(first.http, "/other", "x")
            others = [key async for key in redis.scan_iter(f"{namespace}:*:e:*", 1000) if key not in keys]
            await redis.hset(keys[0], "v", await redis.hget(others[0], "v"))
        elif damage == "cut off":
            await redis.hset(keys[0], "v", b"\x01")
        for _ in range(2):
            reply = await ask(second.http, "/sealed", "x")
            assert (reply.status, reply.body) == (200, SECRET)
        assert second.handled == 1


def test_without_a_key_it_refuses_to_start(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> None:
    """A sensitive policy is never stored in the clear because somebody forgot a variable."""
    monkeypatch.delenv("PACK2_CACHE_KEY", raising=False)
    config = Config(http=Http(policy=POLICIES), cache=CacheSection())
    url = "postgresql://nobody@127.0.0.1:1/none"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    with pytest.raises(CacheKeyError, match="PACK2_CACHE_KEY is not set"):
        from_config(app, config, database_url=url, redis_url=redis_url, identify=identify)
    from_config(app, config, database_url=url, redis_url=None, identify=identify)
    from_config(app, config, database_url=url, redis_url=redis_url, identify=identify, cache_key=KEY)
