"""A small Starlette application on a real PostgreSQL, with all that a cache can get wrong: owners,
versions, sessions.

Each answer says whose it is and which version it shows, so that an oracle can judge it.
"""

from __future__ import annotations

import secrets
import time
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pack2.cache import feed_schema
from pack2.config import CacheSection, Config, FeedTable, Http, HttpPolicy
from pack2.http import IDENTITY_KEY, CacheMiddleware, Identity, from_config

SCHEMA = """
CREATE TABLE sessions (token_hash bytea PRIMARY KEY, user_id int NOT NULL);
CREATE TABLE notes (id int PRIMARY KEY, owner_id int NOT NULL, version int NOT NULL DEFAULT 0);
CREATE TABLE board (id int PRIMARY KEY, version int NOT NULL DEFAULT 0);
INSERT INTO board VALUES (1);
"""
POLICIES = (
    HttpPolicy("/notes/{note_id:int}", scope="private", ttl_seconds=60, tags=("note:{note_id}",)),
    HttpPolicy("/mine", scope="private", ttl_seconds=60, tags=("user:{identity}",)),
    HttpPolicy("/board", scope="shared", ttl_seconds=60, tags=("board",)),
    HttpPolicy("/notes/{note_id:int}", methods=("POST",), expires=("note:{note_id}", "user:{identity}")),
    HttpPolicy("/board", methods=("POST",), expires=("board",)),
    HttpPolicy("/sign-out", methods=("POST",), expires=("session:{identity}",)),
)
FEED = (
    FeedTable("notes", ("note:{id}", "user:{owner_id}")),
    FeedTable("board", ("board",)),
    FeedTable("sessions", ("session:{user_id}",)),
)


def config(
    policies: tuple[HttpPolicy, ...] = POLICIES, feed: tuple[FeedTable, ...] = FEED, **http: Any
) -> Config:
    return Config(http=Http(policy=policies, session_cookie="sid", **http), cache=CacheSection(feed=feed))


def token_of(scope: Any) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            return str(value.decode().removeprefix("Bearer "))
        if name == b"cookie":
            pairs = dict(pair.strip().split("=", 1) for pair in value.decode().split(";") if "=" in pair)
            return pairs.get("sid", "")
    return ""


class Notebook:
    """One process's application. `handled` counts requests that reached it."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.handled = 0
        self.identified = 0
        self.app = Starlette(
            routes=[
                Route("/notes/{note_id:int}", self.note),
                Route("/notes/{note_id:int}", self.write_note, methods=["POST"]),
                Route("/mine", self.mine),
                Route("/board", self.board),
                Route("/board", self.write_board, methods=["POST"]),
                Route("/sign-out", self.sign_out, methods=["POST"]),
            ]
        )

    async def identify(self, scope: Any) -> Identity | None:
        self.identified += 1
        digest = sha256(token_of(scope).encode()).digest()
        user_id = await self.pool.fetchval("SELECT user_id FROM sessions WHERE token_hash = $1", digest)
        if user_id is None:
            return None
        return Identity(str(user_id), frozenset(), f"session:{user_id}", time.time() + 3600)

    async def _user(self, request: Request) -> int | None:
        self.handled += 1
        scope = request.scope
        identity = scope[IDENTITY_KEY] if IDENTITY_KEY in scope else await self.identify(scope)
        return None if identity is None else int(identity.user_id)

    async def note(self, request: Request) -> Response:
        user = await self._user(request)
        if user is None:
            return JSONResponse({}, 401)
        sql = "SELECT version FROM notes WHERE id = $1 AND owner_id = $2"
        version = await self.pool.fetchval(sql, request.path_params["note_id"], user)
        return JSONResponse({}, 404) if version is None else JSONResponse({"owner": user, "version": version})

    async def mine(self, request: Request) -> Response:
        user = await self._user(request)
        if user is None:
            return JSONResponse({}, 401)
        total = await self.pool.fetchval("SELECT sum(version) FROM notes WHERE owner_id = $1", user)
        return JSONResponse({"owner": user, "version": total})

    async def board(self, request: Request) -> Response:
        if await self._user(request) is None:
            return JSONResponse({}, 401)
        version = await self.pool.fetchval("SELECT version FROM board WHERE id = 1")
        return JSONResponse({"owner": None, "version": version}, headers={"Server-Timing": "db;dur=1"})

    async def write_note(self, request: Request) -> Response:
        user = await self._user(request)
        if user is None:
            return JSONResponse({}, 401)
        sql = "UPDATE notes SET version = version + 1 WHERE id = $1 AND owner_id = $2 RETURNING version"
        version = await self.pool.fetchval(sql, request.path_params["note_id"], user)
        return JSONResponse({}, 404) if version is None else JSONResponse({"owner": user, "version": version})

    async def write_board(self, request: Request) -> Response:
        if await self._user(request) is None:
            return JSONResponse({}, 401)
        version = await self.pool.fetchval("UPDATE board SET version = version + 1 RETURNING version")
        return JSONResponse({"owner": None, "version": version})

    async def sign_out(self, request: Request) -> Response:
        self.handled += 1
        digest = sha256(token_of(request.scope).encode()).digest()
        await self.pool.execute("DELETE FROM sessions WHERE token_hash = $1", digest)
        return Response(status_code=204)


class World:
    """A database with users and notes, and `workers`: middlewares over it as separate processes would have
    them.
    """

    def __init__(self, pool: asyncpg.Pool, url: str) -> None:
        self.pool = pool
        self.url = url
        self.notebooks: list[Notebook] = []
        self.workers: list[CacheMiddleware] = []

    async def sign_in(self, user: int) -> str:
        token = secrets.token_hex(16)
        digest = sha256(token.encode()).digest()
        await self.pool.execute("INSERT INTO sessions VALUES ($1, $2)", digest, user)
        return token

    async def write(self, sql: str, *values: Any) -> None:
        """A write that no middleware sees."""
        await self.pool.execute(sql, *values)


@asynccontextmanager
async def world(
    url: str, redis_url: str | None, *, users: int = 3, workers: int = 1, settings: Config | None = None
) -> Any:
    settings = settings or config()
    async with asyncpg.create_pool(url, min_size=1, max_size=12) as pool:
        await pool.execute(SCHEMA)
        rows = [(user * 10 + number, user) for user in range(1, users + 1) for number in range(2)]
        await pool.executemany("INSERT INTO notes (id, owner_id) VALUES ($1, $2)", rows)
        feed_schema.apply(url, settings.cache.feed)
        made = World(pool, url)
        for _ in range(workers):
            notebook = Notebook(pool)
            worker = from_config(
                notebook.app, settings, database_url=url, redis_url=redis_url, identify=notebook.identify
            )
            made.notebooks.append(notebook)
            made.workers.append(worker)
            await worker.cache.start()
        try:
            yield made
        finally:
            for worker in made.workers:
                await worker.cache.stop()
