"""The smallest application that a proof can measure: a slow query, a page, a write, a cache when tuned."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from pack2.database.queries import find_queries

TUNED = os.environ.get("PACK2") != "off"
QUERIES = find_queries(["*.sql"], Path(__file__).parent / "queries")
stored: dict[str, tuple[float, bytes]] = {}


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=2, max_size=4)
    yield
    await app.state.pool.close()


def account(request: Request) -> int:
    token = request.headers.get("authorization", "").removeprefix("Bearer ") or request.cookies.get(
        "notes", ""
    )
    return int(token.removeprefix("token-"))


async def fetch(request: Request, name: str, *args: Any) -> list[asyncpg.Record]:
    async with request.app.state.pool.acquire() as connection:
        return await connection.fetch(QUERIES[name].sql, *args)


async def ready(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def sign_in(request: Request) -> Response:
    content = await request.json()
    if content["password"] != os.environ["NOTES_PASSWORD"]:
        return JSONResponse({"title": "wrong"}, 401)
    number = int(content["email"].split("-")[1].split("@")[0])
    return (
        JSONResponse({"token": f"token-{number}"}) if number <= 5 else JSONResponse({"title": "unknown"}, 401)
    )


async def notes(request: Request) -> Response:
    key = f"notes {account(request)}"
    if TUNED and key in stored and stored[key][0] > time.monotonic():
        return Response(stored[key][1], media_type="application/json", headers={"Cache-Status": "notes; hit"})
    rows = await fetch(request, "notes_of_owner", account(request))
    answer = JSONResponse({"items": [{"id": row["id"], "body": row["body"]} for row in rows]})
    if TUNED:
        stored[key] = (time.monotonic() + 2, bytes(answer.body))
        answer.headers["Cache-Status"] = "notes; fwd=miss; stored"
    return answer


async def note(request: Request) -> Response:
    rows = await fetch(request, "note", request.path_params["note_id"])
    return JSONResponse({"body": rows[0]["body"]})


async def write(request: Request) -> Response:
    await fetch(request, "add_note", account(request), (await request.json())["body"])
    return JSONResponse({}, 201)


async def page(request: Request) -> Response:
    rows = await fetch(request, "notes_of_owner", account(request))
    items = "".join(f"<li>{row['body']}</li>" for row in rows)
    return HTMLResponse(f"<!doctype html><title>Notes</title><h1>Notes</h1><ul>{items}</ul>")


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/ready", ready),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/api/notes", notes),
        Route("/api/notes/{note_id:int}", note),
        Route("/api/notes", write, methods=["POST"]),
        Route("/", page),
    ],
)
