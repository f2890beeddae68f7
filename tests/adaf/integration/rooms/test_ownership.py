"""Walks over every route of the application, so that none can be forgotten."""

from __future__ import annotations

import re
from typing import Any

import pytest
from litestar.routes import HTTPRoute

from adaf.app import create_app
from adaf.settings import Settings

PUBLIC = {
    "GET /api/health",
    "GET /api/openapi.json",
    "POST /api/auth/sign-in",
    "GET /sign-in",
    "POST /sign-in",
}
FOREIGN_IDS = {  # a parameter: which row of another user it may name
    "portfolio_id": "SELECT id FROM portfolios WHERE owner_id <> $1 ORDER BY id LIMIT 1",
    "alert_id": "SELECT id FROM alerts WHERE user_id <> $1 ORDER BY id LIMIT 1",
    "strategy_id": "SELECT id FROM strategies WHERE owner_id <> $1 AND NOT is_public ORDER BY id LIMIT 1",
    "signal_id": """SELECT g.id FROM signals g JOIN strategies s ON s.id = g.strategy_id
        WHERE s.owner_id <> $1 AND NOT s.is_public ORDER BY g.id LIMIT 1""",
    "session_id": "SELECT id FROM sessions WHERE user_id <> $1 ORDER BY id LIMIT 1",
    "report_id": "SELECT id FROM reports WHERE owner_id <> $1 ORDER BY id LIMIT 1",
}
SHARED_IDS = {"symbol": "BTC", "note_id": "1", "run_id": "1"}  # the same for every signed-in user
BODIES: dict[str, Any] = {
    "/api/portfolios/{portfolio_id}/transactions": {"symbol": "BTC", "side": "buy", "quantity": "0.001"},
}
ENDLESS = {"/api/live"}
QUERIES = {  # what a list needs to answer; everything else has its default
    "/api/market/correlation": {"symbols": "BTC,ETH"},
    "/api/search": {"q": "foreignmar"},
    "/search": {"q": "foreignmar"},
    "/panels/search": {"q": "foreignmar"},
}
MARK = """
UPDATE portfolios SET name = 'foreignmark ' || id WHERE owner_id <> $1;
UPDATE strategies SET name = 'foreignmark ' || id WHERE owner_id <> $1 AND NOT is_public;
UPDATE alerts SET message = 'foreignmark', is_read = false WHERE user_id <> $1;
UPDATE transactions SET note = 'foreignmark'
    WHERE portfolio_id IN (SELECT id FROM portfolios WHERE owner_id <> $1);
"""


def all_routes() -> list[tuple[str, str]]:
    """(method, path with named parameters) of every HTTP route, from the application's own table."""
    app = create_app(Settings(database_url="postgresql://nobody@127.0.0.1:1/none", pack2=False))
    return sorted(
        (method, re.sub(r":\w+}", "}", route.path))
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods
        if method not in ("OPTIONS", "HEAD")
    )


ROUTES = all_routes()
PRIVATE = [route for route in ROUTES if " ".join(route) not in PUBLIC]
OPERATIONS = [route for route in PRIVATE if re.search("audit|metric|operation", route[1])]
OWNED = [route for route in PRIVATE if any(f"{{{name}}}" in route[1] for name in FOREIGN_IDS)]


def test_every_public_route_exists() -> None:
    """The list of public routes names nothing that is not there."""
    assert {" ".join(route) for route in ROUTES} >= PUBLIC


def test_every_parameter_is_judged() -> None:
    """A new path parameter has to be declared here as owned or shared, so that its test is not forgotten."""
    named = {name for _, path in PRIVATE for name in re.findall(r"{(\w+)}", path)}
    assert named <= FOREIGN_IDS.keys() | SHARED_IDS.keys()


@pytest.mark.parametrize(("method", "path"), PRIVATE, ids=[" ".join(route) for route in PRIVATE])
async def test_no_session_no_answer(anonymous: Any, method: str, path: str) -> None:
    """Without a session every route that is not public refuses: the API with 401, a page by the form."""
    answer = await anonymous.request(method, re.sub(r"{\w+}", "1", path))
    if path.startswith("/api/"):
        assert answer.status_code == 401
        assert answer.json()["status"] == 401
    else:
        assert answer.status_code in (303, 401)
        assert "/sign-in" in answer.headers.get("location", answer.text)


@pytest.mark.parametrize(("method", "path"), OWNED, ids=[" ".join(route) for route in OWNED])
async def test_what_others_own_is_not_there(dashboard: Any, method: str, path: str) -> None:
    """A user gets 404 for another user's rows, as for rows that do not exist, and changes none of them."""
    user_id = await dashboard.sql.fetchval(
        "SELECT min(p.owner_id) FROM portfolios p JOIN users u ON u.id = p.owner_id WHERE u.role = 'trader'"
    )
    for name, statement in FOREIGN_IDS.items():
        if f"{{{name}}}" in path:
            foreign = await dashboard.sql.fetchval(statement, user_id)
            assert foreign is not None, f"the sample has no {name} of somebody else"
            path = path.replace(f"{{{name}}}", str(foreign))
    template, path = path, path.replace("{symbol}", "BTC")
    before = await state(dashboard.sql)
    answer = await dashboard.client.request(
        method, path, json=body_of(template), headers=await dashboard.headers(user_id)
    )
    assert answer.status_code == 404, answer.text
    assert await state(dashboard.sql) == before


async def test_no_list_and_no_page_shows_what_others_own(dashboard: Any) -> None:
    """Everything that is not public of everybody else carries a mark; nothing that a user reads shows it."""
    user_id = await dashboard.sql.fetchval("SELECT id FROM users WHERE email = 'trader@adaf.test'")
    await dashboard.sql.execute(MARK.replace("$1", str(user_id)))
    headers = await dashboard.headers(user_id)
    asked = [path for method, path in PRIVATE if method == "GET" and "{" not in path and path not in ENDLESS]
    answered = []
    for path in asked:
        answer = await dashboard.client.get(path, params=QUERIES.get(path), headers=headers)
        assert answer.status_code < 500, path
        assert "foreignmark" not in answer.text, path
        answered += [path] * (answer.status_code == 200)
    assert set(asked) - set(answered) == {"/api/audit", "/api/strategies/compare"}


async def test_what_others_own_is_not_there_by_query_or_body_either(dashboard: Any) -> None:
    """A comparison, a list of signals and a report that name another user's rows get nothing of them."""
    user_id = await dashboard.sql.fetchval("SELECT id FROM users WHERE email = 'trader@adaf.test'")
    strategy = await dashboard.sql.fetchval(FOREIGN_IDS["strategy_id"], user_id)
    portfolio = await dashboard.sql.fetchval(FOREIGN_IDS["portfolio_id"], user_id)
    own = await dashboard.sql.fetchval("SELECT min(id) FROM strategies WHERE owner_id = $1", user_id)
    await dashboard.get(user_id, "/api/strategies/compare", 404, ids=f"{own},{strategy}")
    await dashboard.post(user_id, "/api/reports", {"portfolio_id": portfolio}, status=404)
    signals = await dashboard.client.get(
        "/api/signals", params={"strategy_id": strategy}, headers=await dashboard.headers(user_id)
    )
    assert signals.status_code == 404 or signals.json()["items"] == []


@pytest.mark.parametrize("role", ["viewer", "trader"])
async def test_operations_data_is_for_operators(dashboard: Any, user: Any, role: str) -> None:
    """Who did what, and how the servers are, is told to no other role."""
    assert ("GET", "/api/audit") in OPERATIONS
    headers = await dashboard.headers(await user(role))
    for method, path in OPERATIONS:
        answer = await dashboard.client.request(method, re.sub(r"{\w+}", "1", path), headers=headers)
        assert answer.status_code == 403, path
    headers = await dashboard.headers(await user("operator"))
    assert (await dashboard.client.get("/api/audit", headers=headers)).status_code == 200


def body_of(path: str) -> Any:
    """The body that a write on `path` needs to be well-formed."""
    shape = re.sub(r"/\d+", "/{portfolio_id}", path)
    return BODIES.get(shape)


async def state(sql: Any) -> list[Any]:
    """A digest of every table that a user can change."""
    tables = ("portfolios", "positions", "transactions", "alerts", "strategies", "strategy_runs", "reports")
    return [
        await sql.fetchval(f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t")
        for table in tables
    ]
