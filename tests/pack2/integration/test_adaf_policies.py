"""ADAF's policies on ADAF: after every kind of write the cached answer is the application's own, and no
other expires.

Each route of pack2.toml is asked through the cache and past it, and the two answers are compared.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
from asgi_client import Reply, ask, lifespan, until

from adaf.app import create_app
from adaf.settings import Settings
from pack2.cache import feed_schema
from pack2.config import load_config
from pack2.http import CacheMiddleware, from_config

CACHE_KEY = base64.b64encode(bytes(32)).decode()
CONFIG = load_config(Path(__file__).parents[3] / "pack2.toml")
READS = [policy for policy in CONFIG.http.policy if "GET" in policy.methods]
QUERIES = {
    "/api/market/correlation": "symbols={symbol},{other_symbol}&days=10",
    "/api/strategies/compare": "ids={strategy_id}&days=30",
    "/strategies/compare": "ids={strategy_id}&days=30",
    "/panels/strategies/compare": "ids={strategy_id}&days=30",
    "/api/search": "q={symbol}",
    "/search": "q={symbol}",
    "/panels/search/results": "q={symbol}",
    "/panels/search/suggestions": "q={symbol}",
    "/api/market/prices/{symbol}": "at=2030-01-01T00:00:00Z",
}

OWN_WRITES = {
    "portfolio renamed": "UPDATE portfolios SET name = name || '!' WHERE id = {portfolio_id}",
    "position": "UPDATE positions SET quantity = quantity + 3 WHERE portfolio_id = {portfolio_id}",
    "transaction": "INSERT INTO transactions"
    " (portfolio_id, asset_id, side, quantity, price, fee, executed_at)"
    " SELECT {portfolio_id}, {asset_id}, 'buy', 5, 7, 1, market_now()",
    "nav": "UPDATE portfolio_data SET nav = nav + 11 WHERE portfolio_id = {portfolio_id}",
    "alert": "INSERT INTO alerts (user_id, asset_id, kind, threshold, message, triggered_at)"
    " SELECT {user_id}, {asset_id}, 'drawdown', 1, 'new', market_now()",
    "alert read": "UPDATE alerts SET is_read = true WHERE user_id = {user_id}",
    "strategy": "UPDATE strategies SET name = name || '!', updated_at = now() WHERE id = {strategy_id}",
    "run": "INSERT INTO strategy_runs (strategy_id, requested_by, status, started_at, finished_at, metrics)"
    " SELECT {strategy_id}, {user_id}, 'done', market_now(), market_now(), metrics FROM strategy_runs"
    " WHERE status = 'done' LIMIT 1",
    "returns": "UPDATE strategy_returns SET daily_return = daily_return + 0.5"
    " WHERE strategy_id = {strategy_id}",
    "signal": "UPDATE signals SET strength = 1 - strength",
    "research": "UPDATE research_notes SET title = title || '!'",
    "report": "UPDATE reports SET progress_percent = (progress_percent + 7) % 100 WHERE owner_id = {user_id}",
    "user renamed": "UPDATE users SET name = name || '!' WHERE id = {user_id}",
    "asset renamed": "UPDATE assets SET name = name || '!' WHERE id = {asset_id}",
    "quotes": "WITH moved AS (UPDATE quotes SET price = price * 1.5) SELECT pg_notify('pack2', 'quotes')",
    "bars": "WITH moved AS"
    " (UPDATE market_data SET close = close * 1.5, high = high * 2 WHERE asset_id = {asset_id})"
    " SELECT pg_notify('pack2', 'bars')",
    "deleted transactions": "DELETE FROM transactions WHERE portfolio_id = {portfolio_id}",
}
OTHERS_WRITES = (
    "UPDATE portfolios SET name = name || '!' WHERE owner_id = {other_id}",
    "UPDATE positions SET quantity = quantity + 3"
    " WHERE portfolio_id = {other_portfolio_id} AND asset_id <> {asset_id}",
    "UPDATE portfolio_data SET nav = nav + 11 WHERE portfolio_id = {other_portfolio_id}",
    "UPDATE alerts SET is_read = NOT is_read WHERE user_id = {other_id}",
    "INSERT INTO strategy_runs (strategy_id, requested_by, status, started_at)"
    " SELECT {other_strategy_id}, {other_id}, 'running', now()",
)
FACTS = """
WITH owners AS (
    SELECT p.owner_id, min(p.id) AS portfolio_id, min(s.id) AS strategy_id
    FROM portfolios p
    JOIN strategies s ON s.owner_id = p.owner_id
    WHERE EXISTS (SELECT FROM transactions t WHERE t.portfolio_id = p.id)
      AND EXISTS (SELECT FROM reports r WHERE r.owner_id = p.owner_id)
      AND EXISTS (SELECT FROM strategy_runs r WHERE r.strategy_id = s.id AND r.status = 'done')
    GROUP BY p.owner_id ORDER BY p.owner_id LIMIT 2)
SELECT one.owner_id AS user_id, one.portfolio_id, one.strategy_id, a.id AS asset_id, a.symbol,
       (SELECT symbol FROM assets WHERE id <> a.id ORDER BY id LIMIT 1) AS other_symbol,
       two.owner_id AS other_id, two.portfolio_id AS other_portfolio_id, two.strategy_id AS other_strategy_id,
       (SELECT g.id FROM signals g JOIN strategies s ON s.id = g.strategy_id WHERE s.owner_id = one.owner_id
        ORDER BY g.id LIMIT 1) AS signal_id,
       (SELECT min(id) FROM research_notes) AS note_id,
       (SELECT min(r.id) FROM reports r WHERE r.owner_id = one.owner_id) AS report_id
FROM owners one, owners two, assets a
WHERE two.owner_id > one.owner_id
  AND a.id = (SELECT asset_id FROM transactions WHERE portfolio_id = one.portfolio_id ORDER BY id LIMIT 1)
"""


class Adaf:
    """The dashboard behind the cache, the same dashboard without it, and one signed-in user's paths."""

    def __init__(
        self, pool: asyncpg.Pool, application: Any, cached: CacheMiddleware, facts: dict[str, Any]
    ) -> None:
        self.pool = pool
        self.application = application
        self.cached = cached
        self.facts = facts
        self.token = ""

    async def ask(self, route: str, *, past_the_cache: bool = False) -> Reply:
        path = route.replace(":int", "").format_map(self.facts)
        query = QUERIES.get(route, "").format_map(self.facts)
        return await ask(self.application if past_the_cache else self.cached, path, self.token, query=query)

    async def write(self, sql: str) -> None:
        """Commit, and wait for the messages that it brought (a marker behind them)."""
        feed = self.cached.cache.feed
        assert feed is not None
        async with self.pool.acquire() as connection:
            await connection.execute(sql.format_map(self.facts))
            before = self.cached.cache.tags.read(("marker",))
            await connection.execute("SELECT pg_notify('pack2', 'marker')")
        await until(lambda: before[1][0].count != before[1][1])

    async def sign_in(self) -> None:
        self.token = secrets.token_urlsafe(16)
        digest = sha256(self.token.encode()).digest()
        columns = "sessions (token_hash, user_id, expires_at)"
        sql = f"INSERT INTO {columns} VALUES ($1, $2, now() + interval '1 hour')"
        await self.pool.execute(sql, digest, self.facts["user_id"])

    async def wrong(self) -> list[str]:
        """The routes whose cached answer is not the application's."""
        different = []
        for policy in READS:
            cached = await self.ask(policy.route)
            fresh = await self.ask(policy.route, past_the_cache=True)
            if (cached.status, cached.body) != (fresh.status, fresh.body):
                different.append(f"{policy.route} ({cached.cache_status})")
        return different


@asynccontextmanager
async def running(database: str, redis_url: str) -> AsyncIterator[Adaf]:
    feed_schema.apply(database, CONFIG.cache.feed)
    application = create_app(Settings(database_url=database, pack2=False))
    identify = application.state.sessions.identify_with_group
    cached = from_config(
        application,
        CONFIG,
        database_url=database,
        redis_url=redis_url,
        identify=identify,
        cache_key=CACHE_KEY,
    )
    async with asyncpg.create_pool(database, min_size=1, max_size=2) as pool, lifespan(cached):
        adaf = Adaf(pool, application, cached, dict(await pool.fetchrow(FACTS)))
        await adaf.sign_in()
        yield adaf


async def test_every_policy_stores_and_hits(sample_copy: str, redis_url: str) -> None:
    """Each GET of pack2.toml is a hit the second time: no policy stands there for nothing."""
    async with running(sample_copy, redis_url) as adaf:
        for policy in READS:
            first, second = await adaf.ask(policy.route), await adaf.ask(policy.route)
            assert first.status in policy.statuses, f"{policy.route}: {first.status} {first.body[:200]!r}"
            assert second.is_hit, f"{policy.route}: {second.cache_status}"
            assert second.body == first.body


async def test_after_every_write_the_cache_says_what_the_application_says(
    sample_copy: str, redis_url: str
) -> None:
    """Whatever table changes, every route: its tags name all that it depends on."""
    wrong: dict[str, list[str]] = {}
    async with running(sample_copy, redis_url) as adaf:
        assert await adaf.wrong() == []
        for name, sql in OWN_WRITES.items():
            await adaf.write(sql)
            if found := await adaf.wrong():
                wrong[name] = found
                adaf.cached.cache.flush()
    assert wrong == {}


async def test_another_users_write_expires_none_of_my_answers(sample_copy: str, redis_url: str) -> None:
    """Private answers carry narrow tags: what others do leaves them alone."""
    lost: dict[str, list[str]] = {}
    async with running(sample_copy, redis_url) as adaf:
        for policy in READS:
            await adaf.ask(policy.route)
        for sql in OTHERS_WRITES:
            await adaf.write(sql)
            if found := [policy.route for policy in READS if not (await adaf.ask(policy.route)).is_hit]:
                lost[sql] = found
    assert lost == {}


GROUPED = [policy.route for policy in READS if policy.scope == "group"]
WITHOUT_STRATEGIES = """
SELECT u.id FROM users u WHERE NOT EXISTS (SELECT FROM strategies s WHERE s.owner_id = u.id)
ORDER BY u.id LIMIT 2
"""
PUBLIC = """
SELECT s.id AS strategy_id, (SELECT min(g.id) FROM signals g WHERE g.strategy_id = s.id) AS signal_id
FROM strategies s WHERE s.is_public AND EXISTS (SELECT FROM signals g WHERE g.strategy_id = s.id)
ORDER BY s.id LIMIT 1
"""
OWN_STRATEGY = """
INSERT INTO strategies
    (owner_id, asset_id, name, kind, timeframe, parameters, is_public, created_at, updated_at)
SELECT {user_id}, asset_id, 'my own', kind, timeframe, parameters, false, now(), now() FROM strategies LIMIT 1
"""


async def test_who_sees_public_strategies_alone_shares_one_answer(sample_copy: str, redis_url: str) -> None:
    """The second user is answered from what the first one's request filled."""
    async with running(sample_copy, redis_url) as adaf:
        one, two = (row["id"] for row in await adaf.pool.fetch(WITHOUT_STRATEGIES))
        adaf.facts |= dict(await adaf.pool.fetchrow(PUBLIC)) | {"user_id": one}
        await adaf.sign_in()
        first = {route: await adaf.ask(route) for route in GROUPED}
        adaf.facts["user_id"] = two
        await adaf.sign_in()
        for route, reply in first.items():
            assert reply.status == 200, route
            second = await adaf.ask(route)
            assert (second.is_hit, second.body) == (True, reply.body), route
        assert await adaf.wrong() == []


async def test_a_strategy_of_ones_own_is_never_in_the_groups_answers(
    sample_copy: str, redis_url: str
) -> None:
    """Its owner leaves the group with it: sees it at once, and nobody else does."""
    async with running(sample_copy, redis_url) as adaf:
        one, two = (row["id"] for row in await adaf.pool.fetch(WITHOUT_STRATEGIES))
        tokens = {}
        for user in (one, two):
            adaf.facts["user_id"] = user
            await adaf.sign_in()
            tokens[user] = adaf.token
            await adaf.ask("/api/strategies")
        adaf.facts["user_id"] = one
        await adaf.write(OWN_STRATEGY)
        adaf.facts["strategy_id"] = await adaf.pool.fetchval("SELECT max(id) FROM strategies")
        statuses = {}
        for user in (one, two, one, two):
            adaf.token = tokens[user]
            statuses[user] = (await adaf.ask("/api/strategies/{strategy_id:int}")).status
        assert statuses == {one: 200, two: 404}
