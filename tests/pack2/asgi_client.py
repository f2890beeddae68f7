"""Asks an ASGI application in this process: no server, no sockets, the headers exactly as given."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def cache_status(self) -> str:
        return self.headers.get("cache-status", "")

    @property
    def is_hit(self) -> bool:
        return "; hit" in self.cache_status


async def ask(
    app: Any,
    path: str,
    token: str | None = None,
    *,
    method: str = "GET",
    query: str = "",
    headers: list[tuple[str, str]] | None = None,
    raw_path: bytes | None = None,
    body: bytes = b"",
) -> Reply:
    """One request; header names are sent as given (lower case)."""
    sent: list[Any] = []
    asked = False
    done = asyncio.Event()

    async def receive() -> dict[str, object]:
        nonlocal asked
        if asked:
            await done.wait()
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            done.set()

    pairs = [(b"host", b"test")] if not any(name == "host" for name, _ in headers or ()) else []
    pairs += [(b"authorization", f"Bearer {token}".encode())] if token is not None else []
    pairs += [(name.encode(), value.encode()) for name, value in headers or ()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode() if raw_path is None else raw_path,
        "query_string": query.encode(),
        "root_path": "",
        "headers": pairs,
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
    }
    try:
        await app(scope, receive, send)
    finally:
        done.set()
    names: dict[str, str] = {}
    for name, value in sent[0]["headers"]:
        key = name.decode()
        names[key] = f"{names[key]}, {value.decode()}" if key in names else value.decode()
    return Reply(sent[0]["status"], names, b"".join(message.get("body", b"") for message in sent[1:]))


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    """Return when `condition` holds; fails after `seconds`."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "the condition did not come true"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Start `app` by the ASGI lifespan protocol, and stop it at the end."""
    orders: asyncio.Queue[Any] = asyncio.Queue()
    answers: asyncio.Queue[Any] = asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, orders.get, answers.put))
    for order in ("startup", "shutdown"):
        await orders.put({"type": f"lifespan.{order}"})
        assert (await answers.get())["type"] == f"lifespan.{order}.complete"
        if order == "startup":
            yield
    await task
