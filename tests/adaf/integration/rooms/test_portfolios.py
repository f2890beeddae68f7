"""The portfolio routes: figures recomputed from the tables, paging, filters and ownership."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

READS = (
    "",
    "/positions",
    "/holdings",
    "/allocation",
    "/performance",
    "/transactions",
    "/assets/BTC/transactions",
    "/summary",
    "/fees",
    "/realised",
)


async def _busiest(dashboard: Any) -> tuple[int, int]:
    """Owner and number of the portfolio with the most transactions."""
    row = await dashboard.sql.fetchrow(
        "SELECT p.owner_id, p.id FROM portfolios p JOIN transactions t ON t.portfolio_id = p.id"
        " GROUP BY p.id ORDER BY count(*) DESC, p.id LIMIT 1"
    )
    return row["owner_id"], row["id"]


async def test_only_own_portfolios_are_listed(dashboard: Any) -> None:
    """The list holds exactly the user's portfolios, open ones first."""
    owner, _ = await _busiest(dashboard)
    listed = (await dashboard.get(owner, "/api/portfolios"))["items"]
    rows = await dashboard.sql.fetch(
        "SELECT id FROM portfolios WHERE owner_id = $1 ORDER BY is_archived, id", owner
    )
    assert [item["id"] for item in listed] == [row["id"] for row in rows]


@pytest.mark.parametrize("route", READS)
async def test_another_users_portfolio_does_not_exist(dashboard: Any, route: str) -> None:
    """Each read answers the owner, and gives others the same 404 as for a number that nobody has."""
    owner, portfolio_id = await _busiest(dashboard)
    other = await dashboard.sql.fetchval("SELECT id FROM users WHERE id <> $1 ORDER BY id LIMIT 1", owner)
    await dashboard.get(owner, f"/api/portfolios/{portfolio_id}{route}")
    foreign = await dashboard.get(other, f"/api/portfolios/{portfolio_id}{route}", 404)
    assert foreign == await dashboard.get(other, f"/api/portfolios/987654321{route}", 404)
    answer = await dashboard.client.get(f"/api/portfolios/{portfolio_id}{route}")
    assert answer.status_code == 401


async def test_an_empty_portfolio_is_no_404(dashboard: Any) -> None:
    """A portfolio without holdings or history exists all the same: its lists are empty."""
    owner, _ = await _busiest(dashboard)
    number = await dashboard.sql.fetchval(
        "INSERT INTO portfolios (owner_id, name, cash, created_at) VALUES ($1, 'New', 0, now()) RETURNING id",
        owner,
    )
    for route in READS[1:]:
        items = (await dashboard.get(owner, f"/api/portfolios/{number}{route}"))["items"]
        assert [item for item in items if item.get("category") != "cash"] == []
    assert (await dashboard.get(owner, f"/api/portfolios/{number}"))["nav"] is None


async def test_positions_are_valued_at_quotes(dashboard: Any) -> None:
    """Value, cost and profit follow from quantity, average cost and the latest quote."""
    owner, portfolio_id = await _busiest(dashboard)
    positions = (await dashboard.get(owner, f"/api/portfolios/{portfolio_id}/positions"))["items"]
    quotes = dict(
        await dashboard.sql.fetch(
            "SELECT symbol, price::numeric FROM quotes q JOIN assets a ON a.id = q.asset_id"
        )
    )
    count = await dashboard.sql.fetchval(
        "SELECT count(*) FROM positions WHERE portfolio_id = $1", portfolio_id
    )
    assert len(positions) == count > 0
    for position in positions:
        quantity, cost = Decimal(position["quantity"]), Decimal(position["average_cost"])
        price = quotes[position["symbol"]]
        assert Decimal(position["price"]) == price
        assert abs(Decimal(position["value"]) - quantity * price) <= Decimal("0.005")
        assert abs(Decimal(position["profit"]) - quantity * (price - cost)) <= Decimal("0.005")
        assert position["profit_ratio"] == pytest.approx(float(price / cost - 1))
    values = [Decimal(position["value"]) for position in positions]
    assert values == sorted(values, reverse=True)


async def test_allocation_adds_up(dashboard: Any) -> None:
    """Categories and cash add up to the value of the portfolio, their shares to 1."""
    owner, portfolio_id = await _busiest(dashboard)
    path = f"/api/portfolios/{portfolio_id}"
    parts = (await dashboard.get(owner, path + "/allocation"))["items"]
    positions = (await dashboard.get(owner, path + "/positions"))["items"]
    cash = Decimal((await dashboard.get(owner, path))["cash"])
    value = cash + sum(Decimal(position["value"]) for position in positions)
    assert abs(sum(Decimal(part["value"]) for part in parts) - value) <= Decimal("0.01") * len(positions)
    assert sum(part["share_ratio"] for part in parts) == pytest.approx(1)
    assert sum(part["position_count"] for part in parts) == len(positions)
    assert {part["category"] for part in parts} == {"cash"} | {position["category"] for position in positions}


async def test_holdings_are_the_most_valuable_positions(dashboard: Any) -> None:
    """The top holdings are the head of the positions; all shares add up to 1."""
    owner, portfolio_id = await _busiest(dashboard)
    path = f"/api/portfolios/{portfolio_id}"
    positions = (await dashboard.get(owner, path + "/positions"))["items"]
    top = (await dashboard.get(owner, path + "/holdings", limit=2))["items"]
    assert [holding["symbol"] for holding in top] == [position["symbol"] for position in positions[:2]]
    all_of_them = (await dashboard.get(owner, path + "/holdings", limit=200))["items"]
    assert sum(holding["share_ratio"] for holding in all_of_them) == pytest.approx(1)


async def test_performance_by_day(dashboard: Any) -> None:
    """Each day has its last value, its return on the day before, and its distance from the highest so far."""
    owner, portfolio_id = await _busiest(dashboard)
    points = (await dashboard.get(owner, f"/api/portfolios/{portfolio_id}/performance", days=3))["items"]
    now = await dashboard.sql.fetchval("SELECT market_now()")
    rows = await dashboard.sql.fetch(
        "SELECT ts, nav FROM portfolio_data WHERE portfolio_id = $1 AND ts > $2 ORDER BY ts",
        portfolio_id,
        now - timedelta(days=3),
    )
    last = {row["ts"].date().isoformat(): row["nav"] for row in rows}
    assert {point["day"]: Decimal(point["nav"]) for point in points} == last
    navs = [float(point["nav"]) for point in points]
    assert points[0]["daily_return"] is None
    for number, point in enumerate(points):
        assert point["drawdown"] == pytest.approx(navs[number] / max(navs[: number + 1]) - 1)
        assert point["cumulative_return"] == pytest.approx(navs[number] / navs[0] - 1)
        if number:
            assert point["daily_return"] == pytest.approx(navs[number] / navs[number - 1] - 1)


@pytest.mark.parametrize("filters", [{}, {"asset": "BTC"}, {"side": "sell"}, {"asset": "ETH", "side": "buy"}])
@pytest.mark.parametrize("limit", [1, 7, 200])
async def test_pages_are_the_whole_list(dashboard: Any, filters: dict[str, str], limit: int) -> None:
    """The pages of any filter and size together are the full ordered ledger: no gap, no repetition."""
    owner, portfolio_id = await _busiest(dashboard)
    # many trades at the same instant: the case in which a cursor on time alone fails
    await dashboard.sql.execute(
        "UPDATE transactions SET executed_at = date_trunc('day', executed_at) WHERE portfolio_id = $1",
        portfolio_id,
    )
    rows = await dashboard.sql.fetch(
        "SELECT t.id, a.symbol, t.side FROM transactions t JOIN assets a ON a.id = t.asset_id"
        " WHERE portfolio_id = $1 ORDER BY executed_at DESC, t.id DESC",
        portfolio_id,
    )
    expected = [
        row["id"]
        for row in rows
        if filters.get("asset", row["symbol"]) == row["symbol"]
        and filters.get("side", row["side"]) == row["side"]
    ]
    items = await dashboard.every_item(
        owner, f"/api/portfolios/{portfolio_id}/transactions", limit, **filters
    )
    assert [item["id"] for item in items] == expected
    assert expected


async def test_a_page_stays_when_trades_arrive(dashboard: Any) -> None:
    """A trade recorded between two pages neither repeats nor hides a row of the second."""
    owner, portfolio_id = await _busiest(dashboard)
    path = f"/api/portfolios/{portfolio_id}/transactions"
    before = await dashboard.every_item(owner, path, 200)
    first = await dashboard.get(owner, path, limit=5)
    await dashboard.sql.execute(
        "INSERT INTO transactions (portfolio_id, asset_id, side, quantity, price, fee, executed_at)"
        " VALUES ($1, 1, 'buy', 1, 1, 0, now())",
        portfolio_id,
    )
    second = await dashboard.get(owner, path, limit=5, cursor=first["next_cursor"])
    assert first["items"] + second["items"] == before[:10]


async def test_monthly_summary_adds_up(dashboard: Any) -> None:
    """The months' counts and fees are those of the ledger, newest month first."""
    owner, portfolio_id = await _busiest(dashboard)
    path = f"/api/portfolios/{portfolio_id}"
    months = (await dashboard.get(owner, path + "/summary", months=120))["items"]
    ledger = await dashboard.every_item(owner, path + "/transactions", 200)
    assert sum(month["transaction_count"] for month in months) == len(ledger)
    assert sum(Decimal(month["fees"]) for month in months) == sum(Decimal(row["fee"]) for row in ledger)
    for month, rows in itertools.groupby(ledger, key=lambda row: row["executed_at"][:7]):
        shown = next(found for found in months if found["month"].startswith(month))
        bought = sum(Decimal(r["quantity"]) * Decimal(r["price"]) for r in rows if r["side"] == "buy")
        assert abs(Decimal(shown["bought"]) - bought) <= Decimal("0.005")
    fees = (await dashboard.get(owner, path + "/fees", days=730))["items"]
    assert sum(Decimal(part["fees"]) for part in fees) == sum(Decimal(row["fee"]) for row in ledger)


async def test_realised_profit_is_the_average_cost_methods(dashboard: Any) -> None:
    """Realised profit equals a replay of the ledger, each sale against the average cost of its time."""
    owner, portfolio_id = await _busiest(dashboard)
    path = f"/api/portfolios/{portfolio_id}"
    held: dict[str, tuple[Decimal, Decimal]] = {}
    profit: dict[str, Decimal] = {}
    for row in reversed(await dashboard.every_item(owner, path + "/transactions", 200)):
        quantity, price = Decimal(row["quantity"]), Decimal(row["price"])
        before, average = held.get(row["symbol"], (Decimal(0), Decimal(0)))
        if row["side"] == "buy":
            after = before + quantity
            held[row["symbol"]] = after, (before * average + quantity * price) / after
        else:
            held[row["symbol"]] = before - quantity, average
            profit[row["symbol"]] = profit.get(row["symbol"], Decimal(0)) + quantity * (price - average)
    shown = (await dashboard.get(owner, path + "/realised"))["items"]
    assert {item["symbol"] for item in shown} == set(profit)
    for item in shown:
        assert abs(Decimal(item["realised"]) - profit[item["symbol"]]) <= Decimal("0.02"), item


async def test_last_trades_of_an_asset(dashboard: Any) -> None:
    """The last trades of an asset are the head of its ledger; one never traded has none."""
    owner, portfolio_id = await _busiest(dashboard)
    path = f"/api/portfolios/{portfolio_id}"
    ledger = await dashboard.get(owner, path + "/transactions", asset="BTC", limit=3)
    assert (await dashboard.get(owner, path + "/assets/BTC/transactions", limit=3))["items"] == ledger[
        "items"
    ]
    assert (await dashboard.get(owner, path + "/assets/NONE/transactions"))["items"] == []


BAD_PARAMETERS: list[Any] = [
    ("/transactions", {"limit": 0}),
    ("/transactions", {"limit": 201}),
    ("/transactions", {"limit": "all"}),
    ("/transactions", {"side": "hold"}),
    ("/transactions", {"asset": "btc"}),
    ("/transactions", {"cursor": "nonsense!"}),
    ("/transactions", {"cursor": "gqNmb28B"}),
    ("/performance", {"days": 0}),
    ("/performance", {"days": 731}),
    ("/summary", {"months": 0}),
    ("/summary", {"colour": "red"}),
    ("/holdings", {"limit": -1}),
]


async def test_bad_parameters(dashboard: Any) -> None:
    """A parameter outside of what is accepted is a 400 with a sentence."""
    for route, parameters in BAD_PARAMETERS:
        owner, portfolio_id = await _busiest(dashboard)
        await dashboard.get(owner, f"/api/portfolios/{portfolio_id}{route}", 400, **parameters)


BAD_NUMBERS: list[Any] = ["0", "9223372036854775808", "x", "-1"]


async def test_bad_numbers(dashboard: Any) -> None:
    """A number that no portfolio can have is a 4xx with a sentence."""
    for number in BAD_NUMBERS:
        owner, _ = await _busiest(dashboard)
        answer = await dashboard.client.get(
            f"/api/portfolios/{number}", headers=await dashboard.headers(owner)
        )
        assert answer.status_code in (400, 404)
        assert answer.headers["content-type"].startswith("application/problem+json")
