"""Clients of the live stream that are gone or stuck: the server keeps nothing for them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from adaf.live import routes


class Client:
    """An ASGI client at the end of its patience: it takes `most` messages and then no more, or leaves."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken: list[Any] = []
        self.has_left = asyncio.Event()
        self.is_greeted = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.has_left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if len(self.taken) == self.most:
            await asyncio.Event().wait()
        self.taken.append(message)
        if b"event: ready" in message.get("body", b""):
            self.is_greeted.set()


async def listen(dashboard: Any, user_id: int, client: Client) -> None:
    """The stream until its end, a defect if that does not come."""
    headers = await dashboard.headers(user_id)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/api/live",
        "raw_path": b"/api/live",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "server": ("adaf.test", 80),
        "client": ("127.0.0.1", 1),
        "state": {},
    }
    async with asyncio.timeout(10):
        await dashboard.app(scope, client.receive, client.send)


async def test_who_takes_nothing_any_more_is_dropped(
    dashboard: Any, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After STUCK_SECONDS with one block, whose place is free again."""
    monkeypatch.setattr(routes, "STUCK_SECONDS", 0.05)
    stuck = Client(most=2)
    await listen(dashboard, await user("trader"), stuck)
    assert [message["type"] for message in stuck.taken] == ["http.response.start", "http.response.body"]
    assert dashboard.app.state.live.streams == 0


async def test_who_leaves_is_forgotten_at_once(dashboard: Any, user: Any) -> None:
    """No heartbeat is needed to notice that a client is gone."""
    gone = Client(most=100)
    stream = asyncio.create_task(listen(dashboard, await user("trader"), gone))
    await gone.is_greeted.wait()
    assert dashboard.app.state.live.streams == 1
    gone.has_left.set()
    await stream
    assert dashboard.app.state.live.streams == 0
