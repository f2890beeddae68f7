"""The Server-Timing header."""

from __future__ import annotations

from typing import Any

from adaf.timing import ServerTiming, Spent, current, header


def test_the_parts_add_up() -> None:
    """`app` is what the database and the pool left over, in milliseconds."""
    spent = Spent()
    spent.db_seconds, spent.pool_seconds, spent.queries = 0.010, 0.002, 3
    assert header(spent, 0.020) == b'db;dur=10.000, pool;dur=2.000, app;dur=8.000, queries;desc="3"'


def test_it_is_never_negative() -> None:
    """Statements that ran side by side may take more than the whole; nothing is less than 0."""
    spent = Spent()
    spent.db_seconds = 1.0
    assert b"app;dur=0.000" in header(spent, 0.5)


async def test_every_answer_carries_it() -> None:
    """The header is added to what the application sends, and the request's own counters are used."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        spent = current.get()
        assert spent is not None
        spent.queries += 2
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]})
        await send({"type": "http.response.body", "body": b""})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    for _ in range(2):
        sent.clear()
        await ServerTiming(app)({"type": "http"}, None, send)  # type: ignore[arg-type]
        headers = dict(sent[0]["headers"])
        assert headers[b"x"] == b"y"
        assert headers[b"server-timing"].endswith(b'queries;desc="2"')
