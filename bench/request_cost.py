"""CPU time of one request through the dashboard, beside a bare Litestar handler that answers the same bytes.

    python bench/request_cost.py postgresql://…/database       # a database with sample data

Both run in one process, interleaved, minimum of the rounds; waiting for PostgreSQL is not CPU time of ours.
"""

from __future__ import annotations

import sys
from time import process_time
from typing import Any

import uvloop
from litestar import Litestar, get

from adaf.app import create_app
from adaf.settings import Settings
from adaf.timing import ServerTiming

ROUNDS, REQUESTS = 7, 400
ROUTES = ("/api/health", "/api/market/quotes/BTC", "/api/market/quotes", "/api/overview/nav")


async def main(url: str) -> None:
    app = create_app(Settings(database_url=url))
    timed = ServerTiming(app)
    async with app.lifespan():
        user_id = 1
        async with app.state.database.transaction() as transaction:
            token, _ = await app.state.sessions.open(transaction, user_id)
        for path in ROUTES:
            status, body = await request(timed, path, token)
            assert status == 200, (status, body)
            bare = bare_app(path, body)
            async with bare.lifespan():
                ours, theirs = await compare(timed, bare, path, token)
            print(f"{path:28} {len(body):6} bytes  ours {ours:6.1f} µs  bare {theirs:6.1f} µs")


async def compare(ours: Any, bare: Any, path: str, token: str) -> tuple[float, float]:
    """The smallest CPU microseconds a request, of each."""
    costs: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for app, cost in zip((ours, bare), costs, strict=True):
            started = process_time()
            for _ in range(REQUESTS):
                await request(app, path, token)
            cost.append((process_time() - started) / REQUESTS * 1e6)
    return min(costs[0]), min(costs[1])


def bare_app(path: str, body: bytes) -> Litestar:
    """A Litestar application with one route that answers `body`."""

    @get(path, media_type="application/json")
    async def handler() -> bytes:
        return body

    return Litestar([handler], openapi_config=None, logging_config=None)


async def request(app: Any, path: str, token: str) -> tuple[int, bytes]:
    """One GET, straight through ASGI."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "headers": [(b"host", b"localhost"), (b"authorization", b"Bearer " + token.encode())],
    }  # fmt: skip
    answer: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        answer.append(message)

    await app(scope, receive, send)
    return answer[0]["status"], b"".join(message.get("body", b"") for message in answer[1:])


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
