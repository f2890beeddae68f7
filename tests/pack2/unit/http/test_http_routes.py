"""Which path has which policy."""

from __future__ import annotations

import pytest

from pack2.http.routes import RouteError, Routes

ROUTES = {
    "/": "root",
    "/api/portfolios": "list",
    "/api/portfolios/{portfolio_id:int}": "one",
    "/api/portfolios/{portfolio_id:int}/positions": "positions",
    "/api/strategies/compare": "compare",
    "/api/strategies/{strategy_id:int}": "strategy",
    "/api/strategies/{name}/runs": "runs",
    "/market/{symbol}": "asset",
}


@pytest.fixture
def routes() -> Routes[str]:
    made: Routes[str] = Routes()
    for route, target in ROUTES.items():
        made.add(route, target)
    return made


@pytest.mark.parametrize(
    ("path", "target", "parameters"),
    [
        ("/", "root", {}),
        ("/api/portfolios", "list", {}),
        ("/api/portfolios/7", "one", {"portfolio_id": "7"}),
        ("/api/portfolios/7/positions", "positions", {"portfolio_id": "7"}),
        ("/api/strategies/compare", "compare", {}),
        ("/api/strategies/12", "strategy", {"strategy_id": "12"}),
        ("/api/strategies/12/runs", "runs", {"name": "12"}),
        ("/api/strategies/compare/runs", "runs", {"name": "compare"}),
        ("/market/BTC-USD", "asset", {"symbol": "BTC-USD"}),
    ],
)
def test_a_path_finds_its_route(
    routes: Routes[str], path: str, target: str, parameters: dict[str, str]
) -> None:
    """A literal segment comes before a parameter, and a dead end is left again."""
    match = routes.find(path)
    assert match is not None
    assert (match.target, match.parameters) == (target, parameters)


@pytest.mark.parametrize(
    "path",
    [
        "/api/portfolios/7/positions/x.css",
        "/api/portfolios/7/positions;.css",
        "/api/portfolios/7/positions/",
        "/api/portfolios//positions",
        "/api/portfolios/7%2fpositions",
        "/api/portfolios/7\\positions",
        "/api/portfolios/../portfolios",
        "/api/portfolios/seven",
        "/api/portfolios/７",
        "/market/..",
        "/market/.hidden",
        "/market/a b",
        "/market/a\nb",
        "/market/a;b",
        "/market/" + "x" * 65,
        "//api/portfolios",
        "/API/portfolios",
        "api/portfolios",
        "",
        "*",
    ],
)
def test_what_could_be_read_in_two_ways_has_no_policy(routes: Routes[str], path: str) -> None:
    """Suffixes, escapes, doubled slashes, dots and foreign digits are never stored."""
    assert routes.find(path) is None


@pytest.mark.parametrize("route", ["api", "/a/{b}/{b}", "/a//b", "/a/{b}c", "/a/{B}", "/a/*", "/a/{b:float}"])
def test_a_route_that_can_not_be_compiled_is_told(route: str) -> None:
    """At the start, not at the first request."""
    with pytest.raises(RouteError, match="can not be compiled"):
        Routes[str]().add(route, "x")


def test_two_policies_for_one_route_are_told(routes: Routes[str]) -> None:
    """Which of them should hold?"""
    with pytest.raises(RouteError, match="another policy"):
        routes.add("/api/portfolios/{id:int}", "again")
