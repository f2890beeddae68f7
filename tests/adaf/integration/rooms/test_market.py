"""Market data: the same for everybody, and equal to what the bars say."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

SYMBOL = "BTC"


async def asset_id(dashboard: Any) -> int:
    number: int = await dashboard.sql.fetchval("SELECT id FROM assets WHERE symbol = $1", SYMBOL)
    return number


async def test_assets_come_page_by_page(dashboard: Any) -> None:
    """The pages hold every active asset once, by symbol, also within a category."""
    items = await dashboard.every_item(1, "/api/market/assets", 3)
    symbols = [item["symbol"] for item in items]
    rows = await dashboard.sql.fetch("SELECT symbol, category FROM assets WHERE is_active ORDER BY symbol")
    assert symbols == [row["symbol"] for row in rows]
    category = rows[0]["category"]
    within = await dashboard.every_item(1, "/api/market/assets", 1, category=category)
    assert [item["symbol"] for item in within] == [r["symbol"] for r in rows if r["category"] == category]


@pytest.mark.parametrize(("timeframe", "minutes"), [("1m", 1), ("5m", 5), ("1h", 60), ("1d", 1440)])
async def test_candles_are_what_their_bars_make(dashboard: Any, timeframe: str, minutes: int) -> None:
    """Open, high, low, close and volume of a candle equal those of its 1-minute bars; oldest first."""
    answer = await dashboard.get(1, f"/api/market/candles/{SYMBOL}", timeframe=timeframe, limit=3)
    starts = [datetime.fromisoformat(item["ts"]) for item in answer["items"]]
    assert starts == sorted(starts)
    assert len(starts) == 3
    number = await asset_id(dashboard)
    for start, item in zip(starts, answer["items"], strict=True):
        bars = await dashboard.sql.fetch(
            "SELECT * FROM market_data WHERE asset_id = $1 AND ts >= $2 AND ts < $3 ORDER BY ts",
            number, start, start + timedelta(minutes=minutes),
        )  # fmt: skip
        assert item["open"] == bars[0]["open"]
        assert item["close"] == bars[-1]["close"]
        assert item["high"] == max(bar["high"] for bar in bars)
        assert item["low"] == min(bar["low"] for bar in bars)
        assert item["volume"] == pytest.approx(sum(bar["volume"] for bar in bars))


async def test_older_candles_follow_without_gap_or_overlap(dashboard: Any) -> None:
    """`next_before` leads to the page before, and at the beginning it is null."""
    whole = await dashboard.get(1, f"/api/market/candles/{SYMBOL}", timeframe="1d", limit=1000)
    seen: list[str] = []
    before: dict[str, str] = {}
    while True:
        part = await dashboard.get(1, f"/api/market/candles/{SYMBOL}", timeframe="1d", limit=2, **before)
        seen = [item["ts"] for item in part["items"]] + seen
        if part["next_before"] is None:
            break
        before = {"before": part["next_before"]}
    assert seen == [item["ts"] for item in whole["items"]]


async def test_the_price_at_a_time_is_the_close_before_it(dashboard: Any) -> None:
    """Between two bars the price is the earlier one's close; before the series there is none."""
    row = await dashboard.sql.fetchrow(
        "SELECT ts, close FROM market_data WHERE asset_id = $1 ORDER BY ts OFFSET 10 LIMIT 1",
        await asset_id(dashboard),
    )
    at = (row["ts"] + timedelta(seconds=30)).isoformat()
    assert (await dashboard.get(1, f"/api/market/prices/{SYMBOL}", at=at))["price"] == row["close"]
    await dashboard.get(1, f"/api/market/prices/{SYMBOL}", 404, at="1999-01-01T00:00:00Z")


async def test_movers_are_ordered_and_complete(dashboard: Any) -> None:
    """The risers fall in order, the fallers rise, and both agree with the quotes."""
    quotes = {q["symbol"]: q["change_24h_ratio"] for q in await dashboard.get(1, "/api/market/quotes")}
    movers = await dashboard.get(1, "/api/market/movers", limit=50)
    assert [m["change_24h_ratio"] for m in movers["up"]] == sorted(quotes.values(), reverse=True)
    assert [m["change_24h_ratio"] for m in movers["down"]] == sorted(quotes.values())


async def test_correlation_is_symmetric_with_ones(dashboard: Any) -> None:
    """Each asset with itself is 1, and the order does not matter; an unknown symbol is 404."""
    symbols = [item["symbol"] for item in (await dashboard.get(1, "/api/market/assets"))["items"]][:4]
    matrix = (await dashboard.get(1, "/api/market/correlation", symbols=",".join(symbols)))["matrix"]
    assert [matrix[i][i] for i in range(4)] == [1.0] * 4
    assert all(matrix[i][j] == matrix[j][i] for i in range(4) for j in range(4))
    await dashboard.get(1, "/api/market/correlation", 404, symbols="BTC,NOPE")


@pytest.mark.parametrize(
    "path",
    [
        f"/api/market/assets/{SYMBOL}",
        f"/api/market/assets/{SYMBOL}/context",
        "/api/market/categories",
        f"/api/market/quotes/{SYMBOL}",
        "/api/market/bars/latest",
        "/api/market/sparklines",
        "/api/market/most-traded",
        "/api/market/volume",
    ],
)
async def test_the_rest_answers_with_something(dashboard: Any, path: str) -> None:
    """Every other view of the market has content on the sample data."""
    assert await dashboard.get(1, path)


@pytest.mark.parametrize(
    "path",
    [
        "assets/NOPE",
        "assets/NOPE/context",
        "quotes/NOPE",
        "candles/NOPE",
        "prices/NOPE?at=2026-01-01T00:00:00Z",
    ],
)
async def test_an_unknown_symbol_is_not_found(dashboard: Any, path: str) -> None:
    """An asset that is not there is 404 on every route about one."""
    answer = await dashboard.client.get(f"/api/market/{path}", headers=await dashboard.headers(1))
    assert answer.status_code == 404


async def operator(dashboard: Any) -> int:
    number: int = await dashboard.sql.fetchval("SELECT min(id) FROM users WHERE role = 'operator'")
    return number


def bar(at: datetime, price: float, **changes: Any) -> dict[str, Any]:
    whole = {
        "symbol": SYMBOL,
        "ts": at.isoformat(),
        "open": price,
        "high": price,
        "low": price,
        "close": price,
    }
    return whole | {"volume": 3.0} | changes


async def test_bars_are_recorded_and_corrected(dashboard: Any) -> None:
    """A batch inserts new bars and corrects old ones; the quote follows the latest bar; one announcement."""
    heard: list[str] = []
    await dashboard.sql.add_listener("pack2", lambda *message: heard.append(message[-1]))
    number = await asset_id(dashboard)
    last = await dashboard.sql.fetchval("SELECT max(ts) FROM market_data WHERE asset_id = $1", number)
    following = last + timedelta(minutes=1)
    batch = {"bars": [bar(last, 111.0), bar(following, 222.0)]}
    recorded = await dashboard.post(await operator(dashboard), "/api/market/bars", batch)
    assert recorded == {"bars": 2, "assets": 1}
    rows = await dashboard.sql.fetch(
        "SELECT ts, close FROM market_data WHERE asset_id = $1 AND ts >= $2 ORDER BY ts", number, last
    )
    assert [tuple(row) for row in rows] == [(last, 111.0), (following, 222.0)]
    quote = await dashboard.get(1, f"/api/market/quotes/{SYMBOL}")
    assert quote["price"] == 222.0
    assert quote["bid"] <= 222.0 <= quote["ask"]
    await dashboard.sql.fetchval("SELECT 1")
    assert heard == ["bars\nquotes"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"high": 50.0}, 422),
        ({"low": 150.0}, 422),
        ({"ts": "2026-10-01T00:00:30Z"}, 422),
        ({"ts": "0001-01-01T00:00:00Z"}, 422),
        ({"ts": "2026-10-01T00:00:00"}, 400),
        ({"ts": "2199-10-01T00:00:00Z"}, 422),
        ({"symbol": "NOPE"}, 422),
        ({"symbol": "b\x00c"}, 400),
        ({"volume": -1}, 400),
        ({"close": 0}, 400),
        ({"close": "x"}, 400),
        ({"colour": "red"}, 400),
    ],
)
async def test_bars_that_can_not_be_are_refused(dashboard: Any, changes: dict[str, Any], status: int) -> None:
    """An impossible or malformed bar is told by its place, and nothing of its batch is written."""
    last = await dashboard.sql.fetchval(
        "SELECT max(ts) FROM market_data WHERE asset_id = $1", await asset_id(dashboard)
    )
    before = await dashboard.sql.fetchval("SELECT sum(close) FROM market_data")
    batch = {"bars": [bar(last, 111.0), bar(last + timedelta(minutes=1), 100.0, **changes)]}
    await dashboard.post(await operator(dashboard), "/api/market/bars", batch, status=status)
    assert await dashboard.sql.fetchval("SELECT sum(close) FROM market_data") == before


async def test_a_bar_stands_once_in_a_batch(dashboard: Any) -> None:
    """Which of two bars for one minute counts would be chance, so both are refused."""
    last = await dashboard.sql.fetchval("SELECT max(ts) FROM market_data")
    await dashboard.post(
        await operator(dashboard), "/api/market/bars", {"bars": [bar(last, 1.0), bar(last, 2.0)]}, status=422
    )
