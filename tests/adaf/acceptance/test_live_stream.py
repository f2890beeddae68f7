"""The live stream as a client of the API meets it: what it is told, how soon, and what it is never told."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path
from time import monotonic

import asyncpg
import pytest
from dashboard_site import CACHE_KEY, Server, Site
from live_client import Event, Listener, connected, listening

from adaf.live.hub import MOST_STREAMS

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
EARS = """
SELECT count(*) FROM pg_stat_activity WHERE application_name = 'adaf live' AND datname = current_database()
"""
CUT = EARS.replace("count(*)", "count(pg_terminate_backend(pid))")
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


async def session_of(sql: asyncpg.Connection, email: str, seconds: float = 3600) -> str:
    """The token of a new session."""
    token = secrets.token_urlsafe(16)
    await sql.execute(NEW_SESSION, sha256(token.encode()).digest(), email, seconds)
    return token


async def signed_in(sql: asyncpg.Connection, role: str = "trader", seconds: float = 3600) -> str:
    """The token of a new session of `role`'s user."""
    return await session_of(sql, f"{role}@adaf.test", seconds)


async def price_arrives(listener: Listener, sql: asyncpg.Connection, price: float) -> float:
    """Commit a price; the seconds from the commit to its event."""
    async with sql.transaction():
        await sql.execute(PRICE, price)
        await sql.execute(ANNOUNCE, "bars\nquotes")
    committed = monotonic()
    return (await listener.until(lambda event: has_price(event, price))).at - committed


def has_price(event: Event, price: float) -> bool:
    return event.name == "quotes" and any(quote["price"] == price for quote in event.data)


async def trade_arrives(listener: Listener, sql: asyncpg.Connection, role: str = "trader") -> float:
    """Commit a trade of `role`'s user; the seconds from the commit to its tag."""
    listener.events.clear()
    portfolio = await sql.fetchval(TRADE, f"{role}@adaf.test")
    committed = monotonic()
    return (await listener.until_told(f"portfolio:{portfolio}")).at - committed


@pytest.mark.alone
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
            await price_arrives(listener, sql, 4321.5)

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
        own_session = await sql.fetchval(
            "SELECT 'session:' || id FROM users WHERE email = 'trader@adaf.test'"
        )
        assert {tag for tag in mine.tags() if not tag.startswith("trades")} - {own_session} == {"research"}

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


def test_a_page_is_told_what_it_missed_before_it_listened(live_site: Site) -> None:
    """`age_ms` is how long ago it knew everything; of what is too long ago, everything may have changed."""

    async def first_tags(token: str, age_ms: int) -> set[str]:
        path = f"/api/live?age_ms={age_ms}"
        async with listening(live_site.url, token, path) as listener:
            await listener.until_named("quotes")
            return listener.tags()

    async def scenario(sql: asyncpg.Connection) -> None:
        token = await signed_in(sql)
        async with listening(live_site.url, token) as listener:
            while "*" in await first_tags(token, 500):
                assert listener.events
            await trade_arrives(listener, sql)
            portfolio = next(tag for tag in listener.tags() if tag.startswith("portfolio:"))
        missed = await first_tags(token, 500)
        assert portfolio in missed
        assert "*" not in missed
        assert portfolio not in await first_tags(await signed_in(sql, "operator"), 500)
        assert await first_tags(token, 10**9) == {"*"}
        async with connected(live_site.url, token, "/api/live?age_ms=-1") as refused:
            assert refused.status == 400

    live(live_site, scenario)


@pytest.mark.alone
@pytest.mark.parametrize("fixture", ["live_site", "site"])
def test_signing_out_ends_the_sessions_streams_and_no_others(request, fixture: str) -> None:
    """Within half a second, with and without triggers; the same user's other session goes on."""
    place: Site = request.getfixturevalue(fixture)

    async def scenario(sql: asyncpg.Connection) -> None:
        leaving, staying = await signed_in(sql), await signed_in(sql)
        async with listening(place.url, leaving) as ended, listening(place.url, staying) as other:
            async with connected(place.url, leaving, "/api/auth/sign-out", method="POST") as answer:
                assert answer.status == 204
            started = monotonic()
            event = await ended.until_named("end")
            assert event.data == {"reason": "signed-out"}
            assert event.at - started < 0.5
            await price_arrives(other, sql, 555.25)
            assert all(event.name != "end" for event in other.events)
            assert ended.events[-1] == event

    live(place, scenario)


def test_a_stream_ends_at_the_end_of_its_session(live_site: Site) -> None:
    """A session has an absolute end, and no heartbeat is needed to notice it."""

    async def scenario(sql: asyncpg.Connection) -> None:
        async with listening(live_site.url, await signed_in(sql, seconds=4)) as listener:
            assert (await listener.until_named("end")).data == {"reason": "signed-out"}

    live(live_site, scenario)


def test_a_user_has_so_many_streams_and_others_do_not_suffer(live_site: Site) -> None:
    """One more is refused with 429 and room is there again when one is closed; one LISTEN serves them all."""

    async def scenario(sql: asyncpg.Connection) -> None:
        token = await signed_in(sql)
        async with AsyncExitStack() as first, AsyncExitStack() as rest:
            await first.enter_async_context(listening(live_site.url, token))
            for _ in range(MOST_STREAMS - 1):
                await rest.enter_async_context(listening(live_site.url, token))
            async with connected(live_site.url, token) as refused:
                assert refused.status == 429
                assert int(refused.headers["retry-after"]) > 0
            async with listening(live_site.url, await signed_in(sql, "operator")) as other:
                await price_arrives(other, sql, 777.25)
            assert await sql.fetchval(EARS) == 1
            await first.aclose()
            while (status := await status_of(live_site, token)) == 429:
                assert rest
            assert status == 200

    live(live_site, scenario)


async def status_of(site: Site, token: str) -> int:
    async with connected(site.url, token) as answer:
        return answer.status


@pytest.mark.alone
def test_after_its_connection_is_cut_the_server_greets_everybody_anew(live_site: Site) -> None:
    """What was lost in between is covered: a page asks for everything, and then hears on."""

    async def scenario(sql: asyncpg.Connection) -> None:
        path = "/api/live?age_ms=0"
        async with listening(live_site.url, await signed_in(sql), path) as listener:
            await listener.until_named("quotes")
            listener.events.clear()
            assert await sql.fetchval(CUT) == 1
            await listener.until_named("ready")
            await listener.until_told("*")
            assert await price_arrives(listener, sql, 888.25) < 1

    live(live_site, scenario)


@pytest.mark.alone
def test_a_client_that_does_not_read_harms_nobody(live_site: Site) -> None:
    """Others hear as soon as before, and when it reads again the latest price is there."""

    async def scenario(sql: asyncpg.Connection) -> None:
        token = await signed_in(sql)
        async with connected(live_site.url, token) as slow, listening(live_site.url, token) as fast:
            noise = [f"trades:{'N' * 190}{number}" for number in range(30)]
            for number in range(60):
                await sql.execute(ANNOUNCE, "\n".join(f"{tag}.{number}" for tag in noise))
            took = [await price_arrives(fast, sql, 2000.5 + number) for number in range(4)]
            assert max(took) < 1
            reading = asyncio.create_task(slow.read())
            await slow.until(lambda event: has_price(event, 2003.5))
            reading.cancel()

    live(live_site, scenario)


@pytest.mark.alone
def test_the_server_stops_within_seconds_with_a_hundred_streams_open(
    live_site: Site, redis_url: str, tmp_path: Path
) -> None:
    """Every page is told to come again, also where one of them does not read."""

    async def scenario(sql: asyncpg.Connection) -> None:
        emails = [row["email"] for row in await sql.fetch("SELECT email FROM users ORDER BY id LIMIT 10")]
        tokens = [await session_of(sql, email) for email in emails]
        async with AsyncExitStack() as streams:
            settings = {"PACK2": "on", "REDIS_URL": redis_url, "PACK2_CACHE_KEY": CACHE_KEY}
            server = Server(live_site.database_url, tmp_path / "log", **settings)
            with server as url:
                listeners = await asyncio.gather(
                    *(streams.enter_async_context(listening(url, token)) for token in tokens * 10)
                )
                await streams.enter_async_context(connected(url, tokens[0]))
                started = monotonic()
                await asyncio.to_thread(server.__exit__)
            took = monotonic() - started
            print(f"stopped after {took:.2f} s")
            assert took < 5
            for listener in listeners:
                assert (await listener.until_named("end")).data == {"reason": "stopped"}

    live(live_site, scenario)
