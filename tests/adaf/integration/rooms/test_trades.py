"""Recording trades through the API: arithmetic, refusals, idempotency, and concurrency on a real server."""

from __future__ import annotations

import asyncio
import uuid
from decimal import Decimal
from typing import Any

import pytest

from adaf.portfolios.trade import Held, settle

pytestmark = pytest.mark.asyncio


async def _portfolio(dashboard: Any) -> tuple[int, int, Decimal]:
    """The portfolio of a trader with the most cash: its owner, its number, its cash."""
    row = await dashboard.sql.fetchrow(
        "SELECT p.owner_id, p.id, p.cash FROM portfolios p JOIN users u ON u.id = p.owner_id"
        " WHERE u.role = 'trader' AND NOT p.is_archived ORDER BY p.cash DESC, p.id LIMIT 1"
    )
    return row["owner_id"], row["id"], row["cash"]


async def _state(dashboard: Any, portfolio_id: int, symbol: str) -> tuple[Decimal, Held | None]:
    cash = await dashboard.sql.fetchval("SELECT cash FROM portfolios WHERE id = $1", portfolio_id)
    held = await dashboard.sql.fetchrow(
        "SELECT quantity, average_cost FROM positions h JOIN assets a ON a.id = h.asset_id"
        " WHERE portfolio_id = $1 AND a.symbol = $2",
        portfolio_id,
        symbol,
    )
    return cash, Held(*held) if held else None


def _path(portfolio_id: int) -> str:
    return f"/api/portfolios/{portfolio_id}/transactions"


async def test_buy_at_quote(dashboard: Any) -> None:
    """Without a price a trade is recorded at the latest quote and at the market's time."""
    owner, portfolio_id, _ = await _portfolio(dashboard)
    before = await _state(dashboard, portfolio_id, "ETH")
    made = await dashboard.post(
        owner, _path(portfolio_id), {"symbol": "ETH", "side": "buy", "quantity": "0.01"}
    )
    quote, now = await dashboard.sql.fetchrow(
        "SELECT q.price::numeric, market_now() FROM quotes q JOIN assets a ON a.id = q.asset_id"
        " WHERE symbol = 'ETH'"
    )
    assert Decimal(made["price"]) == quote
    assert made["executed_at"].replace("Z", "+00:00") == now.isoformat()
    expected = settle("buy", Decimal("0.01"), quote, before[0], before[1])
    assert await _state(dashboard, portfolio_id, "ETH") == (expected.cash, expected.held)
    assert Decimal(made["fee"]) == expected.fee


async def test_nav_after_a_trade(dashboard: Any) -> None:
    """The newest net asset value equals cash and positions at the latest quotes, and the list shows it."""
    owner, portfolio_id, _ = await _portfolio(dashboard)
    trade = {"symbol": "BTC", "side": "buy", "quantity": "0.001", "price": "100"}
    for _ in range(2):
        await dashboard.post(owner, _path(portfolio_id), trade)
    positions = await dashboard.sql.fetch(
        "SELECT h.quantity, q.price::numeric AS price FROM positions h JOIN quotes q USING (asset_id)"
        " WHERE portfolio_id = $1",
        portfolio_id,
    )
    cash = await dashboard.sql.fetchval("SELECT cash FROM portfolios WHERE id = $1", portfolio_id)
    nav = cash + sum((row["quantity"] * row["price"] for row in positions), Decimal(0))
    shown = await dashboard.get(owner, f"/api/portfolios/{portfolio_id}")
    assert abs(Decimal(shown["nav"]) - nav) <= Decimal("0.005")
    assert Decimal(shown["cash"]) == cash
    listed = (await dashboard.get(owner, "/api/portfolios"))["items"]
    assert shown in listed


async def test_selling_all_closes_the_position(dashboard: Any) -> None:
    """A position of quantity 0 does not exist."""
    owner, portfolio_id, _ = await _portfolio(dashboard)
    await dashboard.post(owner, _path(portfolio_id), {"symbol": "BTC", "side": "buy", "quantity": "0.001"})
    _, held = await _state(dashboard, portfolio_id, "BTC")
    assert held is not None
    sale = {"symbol": "BTC", "side": "sell", "quantity": str(held.quantity)}
    await dashboard.post(owner, _path(portfolio_id), sale)
    assert (await _state(dashboard, portfolio_id, "BTC"))[1] is None
    positions = (await dashboard.get(owner, f"/api/portfolios/{portfolio_id}/positions"))["items"]
    assert "BTC" not in {position["symbol"] for position in positions}


async def test_refused_trades_change_nothing(dashboard: Any) -> None:
    """A trade that cash or holdings do not cover is a 409 with what is available, and leaves no trace."""
    owner, portfolio_id, cash = await _portfolio(dashboard)
    count = "SELECT count(*) FROM transactions"
    before = await dashboard.sql.fetchval(count), await _state(dashboard, portfolio_id, "BTC")
    buy = {"symbol": "BTC", "side": "buy", "quantity": "1000000"}
    assert str(cash) in (await dashboard.post(owner, _path(portfolio_id), buy, 409))["detail"]
    sell = {"symbol": "BTC", "side": "sell", "quantity": "1000000"}
    assert "available" in (await dashboard.post(owner, _path(portfolio_id), sell, 409))["detail"]
    assert before == (await dashboard.sql.fetchval(count), await _state(dashboard, portfolio_id, "BTC"))


BAD_BODIES: list[Any] = [
    {"quantity": "0"},
    {"quantity": "-1"},
    {"quantity": "NaN"},
    {"quantity": "Infinity"},
    {"quantity": "0.000000001"},
    {"quantity": "1e13"},
    {"quantity": None},
    {"quantity": "many"},
    {"price": "0"},
    {"price": "-0.01"},
    {"side": "hold"},
    {"symbol": "btc"},
    {"symbol": 7},
    {"note": "x" * 501},
    {"note": "a\x00b"},
    {"client_reference": "7"},
    {"colour": "red"},
]


async def test_bad_bodies(dashboard: Any) -> None:
    """A body outside of what is accepted is a 400 with a sentence."""
    for change in BAD_BODIES:
        owner, portfolio_id, _ = await _portfolio(dashboard)
        trade = {"symbol": "BTC", "side": "buy", "quantity": "0.001"} | change
        await dashboard.post(owner, _path(portfolio_id), trade, 400)


async def test_unknown_things_and_foreign_portfolios(dashboard: Any) -> None:
    """An unknown asset, an unknown portfolio and another user's portfolio are all 404."""
    owner, portfolio_id, _ = await _portfolio(dashboard)
    trade = {"symbol": "NOPE", "side": "buy", "quantity": "1"}
    await dashboard.post(owner, _path(portfolio_id), trade, 404)
    trade["symbol"] = "BTC"
    await dashboard.post(owner, _path(999_999_999), trade, 404)
    foreign = await dashboard.sql.fetchval("SELECT id FROM portfolios WHERE owner_id <> $1 LIMIT 1", owner)
    await dashboard.post(owner, _path(foreign), trade, 404)


async def test_viewers_do_not_trade(dashboard: Any, user: Any) -> None:
    """A viewer reads; recording a trade is a 403."""
    viewer = await user("viewer")
    await dashboard.get(viewer, "/api/portfolios")
    await dashboard.post(viewer, _path(1), {"symbol": "BTC", "side": "buy", "quantity": "1"}, 403)


async def test_archived_and_delisted(dashboard: Any) -> None:
    """Neither an archived portfolio nor an asset that is no longer traded takes trades."""
    owner, portfolio_id, _ = await _portfolio(dashboard)
    trade = {"symbol": "BTC", "side": "buy", "quantity": "0.001"}
    await dashboard.sql.execute("UPDATE assets SET is_active = false WHERE symbol = 'BTC'")
    await dashboard.post(owner, _path(portfolio_id), trade, 409)
    await dashboard.sql.execute("UPDATE portfolios SET is_archived = true WHERE id = $1", portfolio_id)
    await dashboard.post(owner, _path(portfolio_id), trade | {"symbol": "ETH"}, 409)


async def test_repeating_a_request(dashboard: Any) -> None:
    """The same client reference with the same trade records once, 200; with another trade it is a 409."""
    owner, portfolio_id, _ = await _portfolio(dashboard)
    trade = {
        "symbol": "BTC",
        "side": "buy",
        "quantity": "0.001",
        "note": "n",
        "client_reference": str(uuid.uuid4()),
    }
    first = await dashboard.post(owner, _path(portfolio_id), trade)
    state = await _state(dashboard, portfolio_id, "BTC")
    assert await dashboard.post(owner, _path(portfolio_id), trade, 200) == first
    for change in ({"quantity": "0.002"}, {"side": "sell"}, {"symbol": "ETH"}, {"note": "m"}, {"price": "1"}):
        await dashboard.post(owner, _path(portfolio_id), trade | change, 409)
    assert await _state(dashboard, portfolio_id, "BTC") == state


async def test_audit_row(dashboard: Any) -> None:
    """Each trade leaves one audit row in its own transaction; a repeated one leaves none."""
    owner, portfolio_id, _ = await _portfolio(dashboard)
    trade = {"symbol": "BTC", "side": "buy", "quantity": "0.001", "client_reference": str(uuid.uuid4())}
    made = await dashboard.post(owner, _path(portfolio_id), trade)
    await dashboard.post(owner, _path(portfolio_id), trade, 200)
    rows = await dashboard.sql.fetch(
        "SELECT user_id, action FROM audit_log WHERE subject = $1", f"transaction:{made['id']}"
    )
    assert [tuple(row) for row in rows] == [(owner, "transaction.create")]


async def test_concurrent_trades_lose_nothing(dashboard: Any) -> None:
    """Twenty trades at once leave exactly the cash and the positions that the ledger adds up to."""
    owner, portfolio_id, cash = await _portfolio(dashboard)
    start = await dashboard.sql.fetchval("SELECT max(id) FROM transactions")
    symbols = ("BTC", "ETH")
    before = {symbol: (await _state(dashboard, portfolio_id, symbol))[1] for symbol in symbols}
    trades = [
        {"symbol": symbols[n % 2], "side": "buy", "quantity": f"0.0{n % 7 + 1}", "price": "10.01"}
        for n in range(20)
    ]
    await asyncio.gather(*(dashboard.post(owner, _path(portfolio_id), trade) for trade in trades))
    ledger = await dashboard.sql.fetch(
        "SELECT a.symbol, t.side, t.quantity, t.price FROM transactions t JOIN assets a ON a.id = t.asset_id"
        " WHERE t.id > $1 ORDER BY t.id",
        start,
    )
    assert len(ledger) == 20
    held = dict(before)
    for row in ledger:
        settled = settle(row["side"], row["quantity"], row["price"], cash, held[row["symbol"]])
        cash, held[row["symbol"]] = settled.cash, settled.held
    for symbol in symbols:
        assert await _state(dashboard, portfolio_id, symbol) == (cash, held[symbol])


async def test_concurrent_repeats_record_once(dashboard: Any) -> None:
    """The same request sent ten times at once is recorded once; all answers are the same transaction."""
    owner, portfolio_id, _ = await _portfolio(dashboard)
    trade = {"symbol": "BTC", "side": "buy", "quantity": "0.001", "client_reference": str(uuid.uuid4())}
    headers = await dashboard.headers(owner)
    answers = await asyncio.gather(
        *(dashboard.client.post(_path(portfolio_id), json=trade, headers=headers) for _ in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.text for answer in answers}) == 1


async def test_concurrent_sales_do_not_oversell(dashboard: Any) -> None:
    """Of ten sales of all that is held exactly one succeeds."""
    owner, portfolio_id, _ = await _portfolio(dashboard)
    await dashboard.post(owner, _path(portfolio_id), {"symbol": "BTC", "side": "buy", "quantity": "0.001"})
    _, held = await _state(dashboard, portfolio_id, "BTC")
    assert held is not None
    sale = {"symbol": "BTC", "side": "sell", "quantity": str(held.quantity)}
    headers = await dashboard.headers(owner)
    answers = await asyncio.gather(
        *(dashboard.client.post(_path(portfolio_id), json=sale, headers=headers) for _ in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
