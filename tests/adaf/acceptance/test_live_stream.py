"""The live stream as a client of the API meets it: what it is told, how soon, and what it is never told."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from hashlib import sha256
from time import monotonic

import asyncpg
from dashboard_site import Site
from live_client import Listener, connected, listening

NEW_SESSION = """
INSERT INTO sessions (token_hash, user_id, expires_at)
SELECT $1, id, now() + make_interval(secs => $3) FROM users WHERE email = $2
"""
TRADE = """
INSERT INTO transactions (portfolio_id, asset_id, side, quantity, price, fee, executed_at)
SELECT min(p.id), 1, 'buy', 5, 7, 1, now()
FROM portfolios p JOIN users u ON u.id = p.owner_id WHERE u.email = $1
RETURNING portfolio_id
"""
PRICE = "UPDATE quotes SET price = $1 WHERE asset_id = (SELECT id FROM assets WHERE symbol = 'BTC')"
ANNOUNCE = "SELECT pg_notify('pack2', $1)"


def live(site: Site, scenario: Callable[[asyncpg.Connection], Awaitable[None]]) -> None:
    """Run `scenario` with a connection to the site's database."""

    async def run() -> None:
        sql = await asyncpg.connect(site.database_url)
        try:
            await scenario(sql)
        finally:
            await sql.close()

    asyncio.run(run())


async def signed_in(sql: asyncpg.Connection, role: str = "trader", seconds: float = 3600) -> str:
    """The token of a new session of `role`'s user."""
    token = secrets.token_urlsafe(16)
    await sql.execute(NEW_SESSION, sha256(token.encode()).digest(), f"{role}@adaf.test", seconds)
    return token


async def price_arrives(listener: Listener, sql: asyncpg.Connection, price: float) -> float:
    """Commit a price; the seconds from the commit to its event."""
    async with sql.transaction():
        await sql.execute(PRICE, price)
        await sql.execute(ANNOUNCE, "bars\nquotes")
    committed = monotonic()
    event = await listener.until(
        lambda event: event.name == "quotes" and any(quote["price"] == price for quote in event.data)
    )
    return event.at - committed


async def trade_arrives(listener: Listener, sql: asyncpg.Connection, role: str = "trader") -> float:
    """Commit a trade of `role`'s user; the seconds from the commit to its tag."""
    listener.events.clear()
    portfolio = await sql.fetchval(TRADE, f"{role}@adaf.test")
    committed = monotonic()
    return (await listener.until_told(f"portfolio:{portfolio}")).at - committed


def test_a_new_price_and_a_trade_arrive_at_once(live_site: Site) -> None:
    """A price is there within 1 s of its commit, one's own trade within 0.5 s."""

    async def scenario(sql: asyncpg.Connection) -> None:
        async with listening(live_site.url, await signed_in(sql)) as listener:
            first = await listener.until_named("quotes")
            assert len(first.data) == await sql.fetchval("SELECT count(*) FROM assets WHERE is_active")
            prices = [await price_arrives(listener, sql, 1000.5 + n) for n in range(6)]
            trades = [await trade_arrives(listener, sql) for _ in range(6)]
        print(f"price {sorted(prices)} s, trade {sorted(trades)} s")
        assert max(prices) < 1
        assert max(trades) < 0.5

    live(live_site, scenario)


def test_without_the_performance_pack_prices_arrive_too(site: Site) -> None:
    """PACK2=off, a database without triggers: ingestion announces itself."""

    async def scenario(sql: asyncpg.Connection) -> None:
        async with listening(site.url, await signed_in(sql)) as listener:
            assert await price_arrives(listener, sql, 4321.5) < 1

    live(site, scenario)


def test_what_others_own_is_never_told(live_site: Site) -> None:
    """Another user's portfolio, alerts, reports and sessions are no business of yours; what is public is."""

    async def scenario(sql: asyncpg.Connection) -> None:
        own, other = await signed_in(sql), await signed_in(sql, "operator")
        async with listening(live_site.url, own) as mine, listening(live_site.url, other) as theirs:
            await trade_arrives(theirs, sql, "operator")
            for name in ("alerts", "reports", "session", "user"):
                owner = await sql.fetchval("SELECT id FROM users WHERE email = 'operator@adaf.test'")
                await sql.execute(ANNOUNCE, f"{name}:{owner}")
            await sql.execute(ANNOUNCE, "a tag that nobody knows")
            await sql.execute(ANNOUNCE, "research")
            for listener in (mine, theirs):
                await listener.until_told("research")
        kinds = {tag.split(":")[0] for tag in theirs.tags()}
        assert {"portfolio", "user", "alerts", "reports", "session", "trades", "research"} <= kinds
        assert {tag for tag in mine.tags() if not tag.startswith("trades")} == {"research"}

    live(live_site, scenario)


def test_nobody_is_refused_and_no_cache_keeps_the_answer(live_site: Site) -> None:
    """401 without a session; the stream itself says no-store and passes the cache by."""

    async def scenario(sql: asyncpg.Connection) -> None:
        async with connected(live_site.url, "nobody's") as refused:
            assert refused.status == 401
        async with listening(live_site.url, await signed_in(sql)) as listener:
            assert listener.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert listener.headers["cache-control"] == "no-store"
            assert "cache-status" not in listener.headers

    live(live_site, scenario)
