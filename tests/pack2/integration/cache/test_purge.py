"""A purge frees what is no longer served, in its namespace only, beside a busy application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from asgi_client import until
from redis import Redis

from pack2.cache import Cache, ChangeFeed, RedisTier
from pack2.cache.errors import RedisUnreachableError
from pack2.cache.purge import purge_all, purge_expired, purge_tags, status
from pack2.services import services

ENTRIES = 1200  # more than two steps of a scan


@pytest.fixture
def redis(redis_url: str) -> Redis:
    return Redis.from_url(redis_url)


@pytest.fixture
async def tier(redis_url: str) -> AsyncIterator[RedisTier]:
    made = RedisTier(redis_url, namespace=f"[{uuid4().hex}]*")
    await made.start()
    yield made
    await made.stop()


def namespace_of(tier: RedisTier) -> str:
    return tier._prefix.removesuffix(":1:")


async def fill(tier: RedisTier, key: str, *tags: str) -> bool:
    """Store the entry where it is not there; True where it was not."""
    opened = await tier.open(key, tags)
    if opened.leased:
        assert await tier.store(opened, b"value of " + key.encode(), 60)
    return opened.leased


async def read(tier: RedisTier, key: str, *tags: str) -> bytes | None:
    opened = await tier.open(key, tags)
    if opened.leased:
        await tier.release(opened, not_storable=False)
    return opened.value


async def expire(tier: RedisTier, *tags: str) -> None:
    tier.advance(tags)
    await tier.settle()


async def test_what_is_expired_goes_and_all_else_stays(tier: RedisTier, redis: Redis) -> None:
    """Expired entries and those without a life are deleted; fresh ones, tags and other keys are not."""
    name = namespace_of(tier)
    redis.set(f"{name}:other", "an application's own key")
    redis.set(f"not-{name}:1:e:k", "another namespace")
    for number in range(ENTRIES):
        await fill(tier, f"k{number}", "even" if number % 2 == 0 else "odd")
    await expire(tier, "even")
    await fill(tier, "k0", "even")
    redis.persist(tier._prefix + "e:k1")
    before = status(redis, name)
    assert (before.entries, before.expired, before.endless, before.tags) == (ENTRIES, ENTRIES // 2 - 1, 1, 2)
    done = purge_expired(redis, name)
    assert (done.looked_at, done.deleted) == (ENTRIES, ENTRIES // 2)
    assert done.freed_bytes > ENTRIES // 2 * 20
    after = status(redis, name)
    assert (after.entries, after.expired, after.endless, after.tags) == (ENTRIES // 2, 0, 0, 2)
    assert before.entry_bytes - after.entry_bytes == done.freed_bytes
    assert await read(tier, "k0", "even") == b"value of k0"
    assert await read(tier, "k3", "odd") == b"value of k3"
    assert redis.get(f"{name}:other")
    assert redis.get(f"not-{name}:1:e:k")


async def test_a_purge_beside_a_busy_writer_deletes_nothing_fresh(tier: RedisTier, redis: Redis) -> None:
    """While tags expire and are stored anew all the time, an entry is missing only if its tag expired."""
    name = namespace_of(tier)
    stop = asyncio.Event()
    rounds = 0

    async def write() -> None:
        nonlocal rounds
        while not stop.is_set():
            await expire(tier, f"t{rounds % 7}")
            missing = {n % 7 for n in range(60) if await fill(tier, f"k{n}", f"t{n % 7}")}
            assert missing == (set(range(7)) if rounds == 0 else {rounds % 7})
            rounds += 1

    writer = asyncio.create_task(write())
    deleted = 0
    while not writer.done() and (rounds < 15 or deleted == 0):
        deleted += (await asyncio.to_thread(purge_expired, redis, name)).deleted
    stop.set()
    await writer
    await asyncio.to_thread(purge_expired, redis, name)
    for number in range(60):
        assert await read(tier, f"k{number}", f"t{number % 7}") == b"value of k%d" % number
    assert status(redis, name).expired == 0


async def test_tags_are_expired_in_every_process_and_their_entries_deleted(
    database: str, redis_url: str, redis: Redis
) -> None:
    """A process that holds the entry in memory loads anew; an entry of another tag stays, by both ways."""
    name = uuid4().hex
    loads: list[str] = []

    async def load(key: str) -> str:
        loads.append(key)
        return key

    async def get(cache: Cache, key: str) -> str:
        return await cache.get(key, lambda: load(key), type=str, ttl_seconds=60, tags=(f"tag of {key}",))

    cache = Cache(redis_url=redis_url, feed=ChangeFeed(database), namespace=name)
    async with cache:
        await get(cache, "a"), await get(cache, "b")
        await until(lambda: status(redis, name).entries == 2)
        messages = cache.feed.messages if cache.feed else 0
        done = await asyncio.to_thread(purge_tags, redis, name, database, ["tag of a", "never seen"])
        assert (done.tags, done.deleted) == (2, 1)
        await until(lambda: cache.feed is not None and cache.feed.messages > messages)
        await get(cache, "a"), await get(cache, "b")
        assert loads == ["a", "b", "a"]
        flushes = cache.tags.sequence
        await asyncio.to_thread(purge_all, redis, name, database)
        await until(lambda: cache.tags.sequence > flushes)
        await get(cache, "b")
        assert loads == ["a", "b", "a", "b"]


def test_a_redis_that_goes_away_is_told(database: str, server_folder: Path) -> None:
    """Half-way too: the error names what to check, and nothing is said to be done."""
    with services(server_folder, database_url=database, redis_url=None) as found:
        client = Redis.from_url(found.redis.url)
        assert status(client, "none").entries == 0
    with pytest.raises(RedisUnreachableError, match="Check REDIS_URL"), RedisUnreachableError.told():
        purge_expired(client, "none")
