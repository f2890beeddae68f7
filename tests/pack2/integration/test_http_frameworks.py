"""The middleware stands in front of every framework alike: FastAPI, Starlette and Litestar, with lifespan
and streams.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgi_client import ask, lifespan, until
from fastapi import FastAPI
from fastapi import Request as FastAPIRequest
from litestar import Litestar
from litestar import Request as LitestarRequest
from litestar import get as litestar_get
from litestar.response import Stream
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from pack2.config import Config, Http, HttpPolicy
from pack2.http import IDENTITY_KEY, Identity, from_config

CHUNKS = 40
events: list[str] = []


@asynccontextmanager
async def life(_app: Any) -> AsyncIterator[None]:
    events.append("up")
    yield
    events.append("down")


async def chunks() -> AsyncIterator[bytes]:
    for number in range(CHUNKS):
        yield b"%04d" % number * 250


def who(scope: Any) -> dict[str, str]:
    return {"user": scope[IDENTITY_KEY].user_id}


def starlette_app() -> Any:
    async def me(request: StarletteRequest) -> JSONResponse:
        return JSONResponse(who(request.scope))

    async def stream(_request: StarletteRequest) -> StreamingResponse:
        return StreamingResponse(chunks(), media_type="text/plain")

    return Starlette(routes=[Route("/me", me), Route("/stream", stream)], lifespan=life)


def fastapi_app() -> Any:
    app = FastAPI(lifespan=life)

    @app.get("/me")
    async def me(request: FastAPIRequest) -> dict[str, str]:
        return who(request.scope)

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(chunks(), media_type="text/plain")

    return app


@litestar_get("/me")
async def litestar_me(request: LitestarRequest[Any, Any, Any]) -> dict[str, str]:
    return who(request.scope)


@litestar_get("/stream")
async def litestar_stream() -> Stream:
    return Stream(chunks(), media_type="text/plain")


def litestar_app() -> Any:
    return Litestar([litestar_me, litestar_stream], lifespan=[life], openapi_config=None)


async def without_lifespan(scope: Any, receive: Any, send: Any) -> None:
    """As Django's handler: it refuses lifespan."""
    if scope["type"] != "http":
        raise ValueError("only http")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": who(scope)["user"].encode()})


async def identify(scope: Any) -> Identity:
    token = dict(scope["headers"])[b"authorization"].decode().removeprefix("Bearer ")
    return Identity(token, frozenset(), f"session:{token}", time.time() + 60)


def behind(app: Any, database: str, redis_url: str | None, limit: int = 1_000_000) -> Any:
    policies = tuple(HttpPolicy(path, scope="private", ttl_seconds=60) for path in ("/me", "/stream"))
    settings = Config(http=Http(policy=policies, max_body_bytes=limit))
    return from_config(app, settings, database_url=database, redis_url=redis_url, identify=identify)


FRAMEWORKS = [starlette_app, fastapi_app, litestar_app]


@pytest.mark.parametrize("make", FRAMEWORKS)
async def test_answers_and_streams_are_stored_and_lifespan_is_passed_on(
    make: Callable[[], Any], database: str, redis_url: str
) -> None:
    """Each user their own; a stream within the bound is stored whole; start and stop reach the application
    once.
    """
    events.clear()
    app = behind(make(), database, redis_url)
    async with lifespan(app):
        for user in ("7", "8", "7", "8"):
            assert (await ask(app, "/me", user)).json == {"user": user}
        assert (await ask(app, "/me", "7")).is_hit
        first, second = await ask(app, "/stream", "7"), await ask(app, "/stream", "7")
        assert (first.body, second.is_hit) == (second.body, True)
        assert len(first.body) == CHUNKS * 1000
        await until(lambda: not [task for task in asyncio.all_tasks() if "Capture._run" in repr(task)])
    assert events == ["up", "down"]


@pytest.mark.parametrize("make", FRAMEWORKS)
async def test_a_stream_above_the_bound_comes_through_whole(make: Callable[[], Any], database: str) -> None:
    """In order, not stored."""
    app = behind(make(), database, None, limit=5000)
    async with lifespan(app):
        for _ in range(2):
            reply = await ask(app, "/stream", "7")
            assert reply.body == b"".join([chunk async for chunk in chunks()])
            assert reply.cache_status.endswith("detail=too-large")


async def test_an_application_without_lifespan_is_served(database: str) -> None:
    """The cache starts and stops all the same."""
    app = behind(without_lifespan, database, None)
    async with lifespan(app):
        assert app.cache.is_trusted()
        await ask(app, "/me", "7")
        assert (await ask(app, "/me", "7")).is_hit
    assert not app.cache.is_trusted()
