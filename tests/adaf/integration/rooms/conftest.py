"""The dashboard in this process on a private copy of the sample data, with a bearer token for any user."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import pytest
from litestar import Litestar

from adaf.app import create_app
from adaf.database import Database
from adaf.settings import Settings


@dataclass
class Dashboard:
    """The application, a client for it, and a connection to look into its database."""

    app: Litestar
    client: httpx.AsyncClient
    sql: asyncpg.Connection
    tokens: dict[int, str] = field(default_factory=dict)

    @property
    def db(self) -> Database:
        database: Database = self.app.state.database
        return database

    async def headers(self, user_id: int) -> dict[str, str]:
        if user_id not in self.tokens:
            async with self.db.transaction() as tx:
                token, _ = await self.app.state.sessions.open(tx, user_id)
            self.tokens[user_id] = token  # only now it is committed, and others may use it
        return {"Authorization": f"Bearer {self.tokens[user_id]}"}

    async def get(self, user_id: int, path: str, status: int = 200, /, **params: Any) -> Any:
        """The JSON of GET `path` as `user_id`; fails the test on another status."""
        answer = await self.client.get(path, params=params, headers=await self.headers(user_id))
        assert answer.status_code == status, (path, params, answer.text)
        return check_problem(answer) if status >= 400 else answer.json()

    async def post(self, user_id: int, path: str, body: Any = None, status: int = 201) -> Any:
        """The JSON of POST `path` as `user_id`; fails the test on another status."""
        answer = await self.client.post(path, json=body, headers=await self.headers(user_id))
        assert answer.status_code == status, (path, body, answer.text)
        if status >= 400:
            return check_problem(answer)
        return answer.json() if answer.content else None

    async def every_item(self, user_id: int, path: str, limit: int, /, **params: Any) -> list[Any]:
        """All items of a paged list, page by page."""
        items: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self.get(user_id, path, limit=limit, **params, **cursor)
            assert len(page["items"]) <= limit
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            assert len(page["items"]) == limit
            assert page["next_cursor"] != cursor.get("cursor"), "the next page is this page"
            cursor = {"cursor": page["next_cursor"]}


def check_problem(answer: httpx.Response) -> dict[str, Any]:
    """A problem document (RFC 9457) with a sentence in it."""
    assert answer.headers["content-type"].startswith("application/problem+json")
    document: dict[str, Any] = answer.json()
    assert document["status"] == answer.status_code
    assert len(document["detail"]) > 10
    return document


@pytest.fixture
async def dashboard(sample_copy: str) -> AsyncIterator[Dashboard]:
    app = create_app(Settings(database_url=sample_copy, pack2=False))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    await _call(app.on_startup)
    sql = await asyncpg.connect(sample_copy)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://adaf.test") as client:
            yield Dashboard(app, client, sql)
    finally:
        await sql.close()
        await _call(app.on_shutdown)


async def _call(hooks: Sequence[Callable[..., Any]]) -> None:
    """What `app.lifespan()` does, which has to be entered and left in one task and thus not in a fixture."""
    for hook in hooks:
        result = hook()
        if inspect.isawaitable(result):
            await result


@pytest.fixture
def user(dashboard: Dashboard) -> Callable[[str], Any]:
    """The number of the first user with a role: `await user("trader")`."""

    async def find(role: str) -> int:
        number: int = await dashboard.sql.fetchval("SELECT min(id) FROM users WHERE role = $1", role)
        return number

    return find


@pytest.fixture(scope="session")
def _nowhere() -> Litestar:
    return create_app(Settings(database_url="postgresql://nobody@127.0.0.1:1/none", pack2=False))


@pytest.fixture
async def anonymous(_nowhere: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a session, of an application without database, which can not give anything away."""
    transport = httpx.ASGITransport(app=_nowhere, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://adaf.test") as client:
        yield client
