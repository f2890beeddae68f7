"""A small ASGI application that a load test visits: items, a slow route, a stream, reports."""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

ITEMS = list(range(20))
TIMING = b'db;dur=%.3f, queries;desc="2", cache;desc=hit;dur=0.050'


@dataclass
class Visited:
    """Counts what it is asked. `slow_seconds` is the slow route's time; it answers 503 where the application
    is `broken`, and after `bears` requests."""

    asked: Counter[str] = field(default_factory=Counter)
    emails: set[str] = field(default_factory=set)
    slow_seconds: float = 0.004
    broken: bool = False
    bears: float = math.inf
    streams_closed: int = 0
    polls: Counter[str] = field(default_factory=Counter)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        path, method = scope["path"], scope["method"]
        self.asked[f"{method} {path}"] += 1
        body = (await receive()).get("body", b"") if method == "POST" else b""
        if path == "/api/live":
            await self._stream(receive, send)
        elif path == "/sign-in":
            self.emails.add(json.loads(body)["email"])
            await answer(send, {"token": f"token of {json.loads(body)['email']}"})
        elif path == "/api/items":
            await answer(send, ITEMS)
        elif path.startswith("/api/reports"):
            self.polls[path] += 1
            done = self.polls[path] > 2
            await answer(
                send, {"id": self.asked["POST /api/reports"], "status": "done" if done else "waiting"}
            )
        elif path == "/api/slow":
            await asyncio.sleep(self.slow_seconds)
            await answer(send, {}, 503 if self.broken or self.asked.total() > self.bears else 200)
        else:
            await answer(send, {})

    async def _stream(self, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"event: ready\ndata: {}\n\n", "more_body": True})
        await receive()
        while (await receive())["type"] != "http.disconnect":
            pass
        self.streams_closed += 1


async def answer(send: Any, content: Any, status: int = 200) -> None:
    headers = [(b"server-timing", TIMING % 1.5), (b"cache-status", b"x; hit; ttl=9")]
    headers.append((b"content-type", b"application/json"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(content).encode()})
