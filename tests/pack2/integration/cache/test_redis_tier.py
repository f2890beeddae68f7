"""The Redis tier on a real Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from asgi_client import until
from redis.asyncio import Redis

from pack2.cache import Cache, RedisTier
from pack2.cache.redis_tier import RedisDownError


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as made:
        yield made


@pytest.fixture
async def tiers(redis_url: str) -> AsyncIterator[list[RedisTier]]:
    """Two processes' tiers over one namespace."""
    namespace = uuid4().hex
    made = [RedisTier(redis_url, namespace=namespace) for _ in range(2)]
    for tier in made:
        await tier.start()
    yield made
    for tier in made:
        await tier.stop()


async def fill(tier: RedisTier, key: str = "k", tags: tuple[str, ...] = ("t",), value: bytes = b"v") -> bool:
    return await tier.store(await tier.open(key, tags), value, 60)


async def read(tier: RedisTier, key: str = "k", tags: tuple[str, ...] = ("t",)) -> bytes | None:
    opened = await tier.open(key, tags)
    if opened.leased:
        await tier.release(opened, not_storable=False)
    return opened.value


async def test_one_fills_and_another_reads(tiers: list[RedisTier]) -> None:
    """With the life that remains, by Redis's own clock."""
    assert await fill(tiers[0])
    opened = await tiers[1].open("k", ["t"])
    assert opened.value == b"v"
    assert 30 < opened.remaining_seconds <= 60


async def test_an_advanced_tag_expires_for_everybody(tiers: list[RedisTier]) -> None:
    """And nothing else does."""
    await fill(tiers[0], "k", ("t", "u"))
    await fill(tiers[0], "other", ("u",))
    tiers[1].advance(["t"])
    await tiers[1].settle()
    assert await read(tiers[0], "k", ("t", "u")) is None
    assert await read(tiers[0], "other", ("u",)) == b"v"


async def test_a_read_waits_until_the_expiry_is_acknowledged(tiers: list[RedisTier]) -> None:
    """A process never reads back what it knows to be old."""
    await fill(tiers[0])
    tiers[0].advance(["t"])
    assert tiers[0].unsettled
    assert await read(tiers[0]) is None


async def test_a_fill_that_an_expiry_overtook_is_refused(tiers: list[RedisTier]) -> None:
    """Whether the tag was advanced before the store or has another generation meanwhile."""
    opened = await tiers[0].open("k", ["t"])
    tiers[1].advance(["t"])
    await tiers[1].settle()
    assert not await tiers[0].store(opened, b"old", 60)
    await read(tiers[1])
    assert not await tiers[0].store(opened, b"old", 60)


async def test_evicted_or_flushed_generations_only_expire(tiers: list[RedisTier], redis: Redis) -> None:
    """Random numbers never come back, so losing one is harmless."""
    await fill(tiers[0])
    (generation,) = [key async for key in redis.scan_iter(tiers[0]._prefix + "t:*")]
    await redis.delete(generation)
    assert await read(tiers[1]) is None
    await fill(tiers[0])
    await redis.delete(tiers[0]._incarnation_key)
    assert await read(tiers[1]) is None


async def test_a_restarted_redis_is_another_incarnation(
    tiers: list[RedisTier], redis: Redis, redis_url: str
) -> None:
    """Its old dump may bring back entries with the generations that they had: the run id tells."""
    await fill(tiers[0])
    await redis.set(tiers[0]._run_key, "an older run")
    late = RedisTier(redis_url, namespace=tiers[0]._prefix.split(":")[0])
    late._pending_flush = False
    assert await read(late) is None
    await late.stop()


async def test_a_process_that_starts_expires_what_it_did_not_hear_of(
    tiers: list[RedisTier], redis_url: str
) -> None:
    """Nobody may have listened while the entries were stored."""
    await fill(tiers[0])
    late = RedisTier(redis_url, namespace=tiers[0]._prefix.split(":")[0])
    await late.start()
    assert await read(tiers[1]) is None
    await late.stop()


async def test_one_leads_across_processes(tiers: list[RedisTier]) -> None:
    """The second is told that another loads; giving back lets the next one lead."""
    first = await tiers[0].open("k", ["t"])
    second = await tiers[1].open("k", ["t"])
    assert (first.leased, second.leased) == (True, False)
    await tiers[1].release(second, not_storable=False)
    assert not (await tiers[1].open("k", ["t"])).leased
    await tiers[0].release(first, not_storable=False)
    assert (await tiers[1].open("k", ["t"])).leased


async def test_what_is_not_stored_lets_everybody_load(tiers: list[RedisTier]) -> None:
    """For some seconds nobody waits for a lease."""
    opened = await tiers[0].open("k", ["t"])
    await tiers[0].release(opened, not_storable=True)
    assert (await tiers[1].open("k", ["t"])).not_storable


async def test_keys_show_no_tag_and_no_name(tiers: list[RedisTier], redis: Redis) -> None:
    """A user's id or a symbol is not to be read in Redis."""
    await fill(tiers[0], "d1g3st", ("user:ada@example.org",))
    keys = [key async for key in redis.scan_iter(tiers[0]._prefix + "*")]
    assert keys
    assert not [key for key in keys if b"ada" in key or b"user" in key]


async def test_a_dead_redis_costs_three_failures() -> None:
    """Then nothing is asked until the next probe."""
    tier = RedisTier("redis://127.0.0.1:1")
    for _ in range(20):
        with pytest.raises(RedisDownError):
            await tier.open("k", ["t"])
    assert not tier.breaker.is_closed
    assert tier.errors <= 4
    await tier.stop()


Load = Callable[[], Awaitable[int]]


def counted() -> tuple[list[int], Load]:
    calls: list[int] = []

    async def load() -> int:
        calls.append(1)
        await asyncio.sleep(0.02)
        return len(calls)

    return calls, load


async def get(cache: Cache, load: Load, **options: Any) -> int:
    return await cache.get("k", load, **{"type": int, "ttl_seconds": 60, "tags": ("t",), **options})


async def test_two_processes_load_once(redis_url: str) -> None:
    """Twenty callers in each, one load in all."""
    namespace = uuid4().hex
    calls, load = counted()
    async with (
        Cache(redis_url=redis_url, namespace=namespace) as one,
        Cache(redis_url=redis_url, namespace=namespace) as two,
    ):
        values = await asyncio.gather(*(get(cache, load) for cache in (one, two) for _ in range(20)))
    assert (set(values), len(calls)) == ({1}, 1)


async def test_a_killed_holders_lease_ends(redis_url: str) -> None:
    """Nobody waits longer than a second for a process that is gone."""
    namespace = uuid4().hex
    _calls, load = counted()
    async with Cache(redis_url=redis_url, namespace=namespace) as cache:
        assert cache.redis is not None
        digest = "?"
        original = cache.redis.open

        async def open_after_another(key: str, tags: Any) -> Any:
            nonlocal digest
            if digest == "?":
                digest = key
                await original(key, tags)
            return await original(key, tags)

        cache.redis.open = open_after_another  # type: ignore[method-assign]
        async with asyncio.timeout(3):
            assert await get(cache, load) == 1


async def test_without_redis_values_are_right_and_kept_in_memory() -> None:
    """Redis down is slower across processes, and nothing else."""
    _calls, load = counted()
    async with Cache(redis_url="redis://127.0.0.1:1") as cache:
        assert [await get(cache, load) for _ in range(3)] == [1, 1, 1]
        await cache.expire("t")
        assert await get(cache, load) == 2


async def test_a_nested_value_expires_what_was_made_of_it(redis_url: str) -> None:
    """And what was made of it is not shared: another process may know less."""
    namespace = uuid4().hex
    number = 1
    async with (
        Cache(redis_url=redis_url, namespace=namespace) as one,
        Cache(redis_url=redis_url, namespace=namespace) as two,
    ):

        async def inner() -> int:
            return number

        async def outer() -> int:
            return 10 * await one.get("inner", inner, type=int, ttl_seconds=60, tags=("inner",))

        assert await one.get("outer", outer, type=int, ttl_seconds=60) == 10
        number = 2
        one.expire_here(["inner"])
        assert await one.get("outer", outer, type=int, ttl_seconds=60) == 20

        async def other() -> int:
            return -1

        assert await two.get("outer", other, type=int, ttl_seconds=60) == -1


async def test_a_deleted_key_is_not_stored_by_a_load_under_way() -> None:
    """And its callers after the delete load anew."""
    gates = [asyncio.Event(), asyncio.Event()]
    started = 0

    async def load() -> int:
        nonlocal started
        started += 1
        number = started
        await gates[number - 1].wait()
        return number

    async with Cache() as cache:
        early = asyncio.create_task(get(cache, load))
        await until(lambda: started == 1)
        await cache.delete("k", type=int)
        late = asyncio.create_task(get(cache, load))
        await until(lambda: started == 2)
        gates[1].set()
        assert await late == 2
        gates[0].set()
        assert await early == 1
        assert await get(cache, load) == 2
