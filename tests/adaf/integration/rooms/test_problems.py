"""Every refusal is a problem document with a sentence, and nothing that is sent makes a 500."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from adaf.database import named_queries


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/api/nothing", 404, "openapi.json"),
        ("/api/market/assets?limit=0", 400, "limit"),
        ("/api/market/assets?limit=201", 400, "200"),
        ("/api/market/assets?limit=99999999999999999999", 400, "limit"),
        ("/api/market/assets?limit=x", 400, "limit"),
        ("/api/market/assets?limits=5", 400, "limits"),
        ("/api/market/assets?cursor=zzz", 400, "next_cursor"),
        ("/api/market/assets?category=%00", 400, "category"),
        ("/api/market/quotes/%00", 400, "symbol"),
        ("/api/market/quotes/%ff%fe", 400, "symbol"),
        ("/api/market/prices/BTC", 400, "at"),
        ("/api/market/prices/BTC?at=yesterday", 400, "at"),
        ("/api/market/prices/BTC?at=infinity", 400, "at"),
        ("/api/market/prices/BTC?at=0000-01-01T00:00:00Z", 400, "at"),
        ("/api/market/prices/BTC?at=99999-01-01T00:00:00Z", 400, "at"),
        ("/api/market/prices/BTC?at=9999-12-31T23:59:59-23:00", 400, "1970"),
        (
            "/api/market/candles/BTC?timeframe=2h",
            400,
            "`timeframe`: Invalid enum value '2h'. One of 1m, 5m, 1h, 1d.",
        ),
        ("/api/strategies/leaderboard?order=x", 400, "One of return, sharpe."),
        ("/api/market/correlation", 400, "`symbols` is missing. 2 to 20 different symbols"),
        ("/api/market/candles/BTC?before=0001-01-01T00:00:00%2B23:00", 400, "before"),
        ("/api/market/correlation?symbols=BTC", 400, "symbols"),
        ("/api/market/correlation?symbols=BTC,BTC", 400, "different"),
        ("/api/overview/nav?days=0", 400, "days"),
        ("/api/portfolios/99999999999999999999", 404, ""),
        ("/api/portfolios/0", 400, "portfolio_id"),
    ],
)
async def test_a_bad_request_is_told_what_is_accepted(
    dashboard: Any, path: str, status: int, says: str
) -> None:
    """Unknown routes and parameters, bad numbers, dates, cursors and bytes: 4xx that names the culprit."""
    answer = await dashboard.client.get(path, headers=await dashboard.headers(1))
    document = answer.json()
    if path.endswith("99999999999999999999") and answer.status_code == 400:
        return
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert says in document["detail"]
    assert document["title"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"null", 400),
        (b"[]", 400),
        (b'{"email": 7, "password": "x"}', 400),
        (b'{"email": "a\\u0000b@c", "password": "x"}', 400),
        (b'{"email": "\\ud800@c", "password": "x"}', 400),
        (b'{"email": "a@b", "password": ""}', 400),
        (b'{"email": "a@b"}', 400),
        (b'{"email": "a@b", "password": "' + b"x" * 1_100_000 + b'"}', 413),
        (b"[" * 100_000, 400),
    ],
)
async def test_a_bad_body_is_refused(dashboard: Any, body: bytes, status: int) -> None:
    """Malformed, mistyped and oversized bodies are refused before anything is looked up."""
    answer = await dashboard.client.post(
        "/api/auth/sign-in", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/api/auth/sign-in", b"{", "The body has to be JSON: input data was truncated."),
        ("/api/auth/sign-in", b"a=1", "The body has to be JSON: "),
        ("/api/auth/sign-in", b'{"email": "x", "password": "y"}', "An e-mail address, such as"),
        ("/api/auth/sign-in", b'{"email": "a@b"}', "`body`: Object missing required field `password`."),
        ("/api/reports", b'{"portfolio_id": 1, "kind": "x"}', "One of statement, performance, transactions."),
    ],
)
async def test_a_bad_body_is_told_what_is_accepted(dashboard: Any, path: str, body: bytes, says: str) -> None:
    """The sentence names the field and what it takes."""
    headers = {"Content-Type": "application/json", **await dashboard.headers(1)}
    answer = await dashboard.client.post(path, content=body, headers=headers)
    assert answer.status_code == 400
    assert says in answer.json()["detail"]


async def test_a_wrong_method_names_the_right_ones(dashboard: Any) -> None:
    """405 carries Allow."""
    answer = await dashboard.client.delete("/api/health")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


async def test_without_postgresql_it_is_503_and_comes_back(dashboard: Any, postgres: Any) -> None:
    """While PostgreSQL refuses connections the answer is 503 with Retry-After; afterwards all is well."""
    headers = await dashboard.headers(1)
    name = await dashboard.sql.fetchval("SELECT current_database()")
    assert (await dashboard.client.get("/api/market/quotes", headers=headers)).status_code == 200
    admin = await asyncpg.connect(postgres.url("postgres"))
    await dashboard.sql.close()
    await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    try:
        for path in ("/api/market/quotes", "/api/health"):
            answers = [await dashboard.client.get(path, headers=headers) for _ in range(2)]
            assert answers[-1].status_code == 503
            assert answers[-1].headers["retry-after"]
            assert answers[-1].headers["content-type"] == "application/problem+json"
    finally:
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await admin.close()
    assert (await dashboard.client.get("/api/market/quotes", headers=headers)).status_code == 200
    assert (await dashboard.client.get("/api/health")).json()["database"] == "ok"


def test_there_are_enough_named_queries() -> None:
    """The dashboard asks in at least forty different ways, and each read can be replayed from its sample."""
    queries = named_queries()
    reads = [
        query for query in queries.values() if query.sql.split("*/")[1].strip().startswith(("SELECT", "WITH"))
    ]
    assert len(queries) >= 55
    assert [query.name for query in reads if query.sample_sql is None] in ([], ["market_announce"])


@pytest.mark.parametrize("name", sorted(name for name, query in named_queries().items() if query.sample_sql))
async def test_every_read_replays_from_its_sample(sample_database: str, name: str) -> None:
    """The sample rows fit the statement's parameters, are 1 to 50, and are the same at each time."""
    query = named_queries()[name]
    connection = await asyncpg.connect(sample_database)
    try:
        rows = await connection.fetch(query.sample_sql)
        assert 1 <= len(rows) <= 50
        assert rows == await connection.fetch(query.sample_sql)
        for row in rows[:5]:
            await connection.fetch(query.sql, *row)
    finally:
        await connection.close()
