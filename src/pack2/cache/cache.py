"""Memory, then Redis, then the loader: one loader a key in the process, one across processes by a lease.

The rule that all of it keeps: a value is served only while no tag of it was expired since before its load
began, and only while the change feed has proved that expiries still arrive.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
from time import monotonic
from types import TracebackType
from typing import Any, Final, TypeVar

from pack2.cache.codec import codec_of, pack, unpack
from pack2.cache.feed import DELETE_PREFIX, ChangeFeed, check_tag
from pack2.cache.flight import Flight, Loaded, Recipe, outer_flight
from pack2.cache.memory import Entry, Memory
from pack2.cache.observed import Observer
from pack2.cache.redis_tier import Opened, RedisDownError, RedisTier
from pack2.cache.refresher import Refresher
from pack2.cache.statistics import Statistics, describe
from pack2.cache.tags import Tags, current, expired_seconds, link

T = TypeVar("T")
log = logging.getLogger("pack2.cache")

JOIN_SECONDS: Final = 10.0
LEASE_WAIT_SECONDS: Final = 1.0
LEASE_POLL_SECONDS: Final = 0.01
PASS_SECONDS: Final = 2.0
MOST_PASSES: Final = 10_000
EARLY_BETA: Final = 1.0


class Cache:
    """`async with Cache(…) as cache`. Without a feed entries live by their time alone; without Redis, in
    memory.
    """

    def __init__(
        self,
        *,
        memory_bytes: int = 64 * 1024 * 1024,
        redis_url: str | None = None,
        feed: ChangeFeed | None = None,
        namespace: str = "pack2",
    ) -> None:
        self.memory = Memory(memory_bytes)
        self.tags = Tags()
        self.feed = feed
        self.redis = RedisTier(redis_url, namespace=namespace) if redis_url else None
        self.trusted_until = math.inf if feed is None else 0.0
        self.counters = Statistics()
        self._flights: dict[Hashable, Flight] = {}
        self._passes: dict[Hashable, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.refresher = Refresher(self)
        self.observer = Observer(self)

    async def start(self) -> None:
        if self.redis is not None:
            await self.redis.start()
            self.observer.start()
        if self.feed is not None:
            await self.feed.start(self)

    async def stop(self) -> None:
        if self.feed is not None:
            await self.feed.stop()
        await self.refresher.stop()
        await self.observer.stop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.redis is not None:
            await self.redis.stop()

    async def __aenter__(self) -> Cache:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # The public face

    async def get(
        self,
        key: str,
        load: Callable[[], Awaitable[T]],
        *,
        type: Any,
        ttl_seconds: float,
        tags: Sequence[str] = (),
        stale_seconds: float = 0,
    ) -> T:
        """The value of `key`, loaded by `load` where no fresh one is stored.

        `type` is what `load` gives: frozen, and such that its bytes give it back equal (else CacheTypeError).
        `tags` expire it before `ttl_seconds` are over. With `stale_seconds` an expired value may be served
        that long while one task refreshes it, and when the refresh fails. What `load` raises reaches every
        caller that waits.
        """
        codec = codec_of(type)
        if not self.is_trusted():
            return await load()
        digest = sha256(f"{type!r}\n{key}".encode()).hexdigest()

        async def run() -> Loaded:
            value = await load()
            encoded = codec.encode(value)
            return Loaded(value, len(encoded), lambda: pack(encoded))

        def decode(data: bytes) -> tuple[T, int]:
            encoded = unpack(data)
            return codec.decode(encoded), len(encoded)

        recipe = Recipe(digest, digest, tuple(map(check_tag, tags)), ttl_seconds, stale_seconds, run, decode)
        entry, _ = await self.obtain(recipe)
        assert entry is not None
        if (outer := outer_flight.get()) is not None:
            outer.is_nested = True
            outer.inner.append(entry.marks)
        value: T = entry.value
        return value

    async def expire(self, *tags: str) -> None:
        """Expire `tags` here and in Redis now, in the other processes when the announcement arrives."""
        self.expire_here(map(check_tag, tags))
        await self.settle()
        if self.feed is not None:
            await self.feed.announce(tags)

    async def delete(self, key: str, *, type: Any) -> None:
        """Forget `key` everywhere; unlike an expired value a deleted one is never served stale."""
        digest = sha256(f"{type!r}\n{key}".encode()).hexdigest()
        self.forget(digest)
        if self.redis is not None:
            with suppress(RedisDownError):
                await self.redis.delete(digest)
        if self.feed is not None:
            await self.feed.announce([DELETE_PREFIX + digest])

    def statistics(self) -> dict[str, Any]:
        """Counters since start, ready for JSON."""
        return describe(self)

    # What the change feed calls

    def expire_here(self, tags: Iterable[str]) -> None:
        """Expire in this process now, and send it to Redis: nothing is read from there before it knows."""
        names = list(tags)
        expired = self.tags.advance(names)
        if self.redis is not None:
            self.redis.advance(names)
        if expired:
            self.refresher.want(expired)

    def forget(self, digest: str) -> None:
        self.memory.delete(digest)
        if (flight := self._flights.pop(digest, None)) is not None:
            flight.is_deleted = True

    def flush(self) -> None:
        """Messages may have been missed: expire everything, here and in Redis."""
        self.tags.flush()
        if self.redis is not None:
            self.redis.flush()

    async def settle(self) -> None:
        if self.redis is not None:
            with suppress(RedisDownError):
                await self.redis.settle()

    # Loading

    def is_trusted(self) -> bool:
        """True while the change feed has lately proved that expiries arrive."""
        return monotonic() < self.trusted_until

    async def obtain(self, recipe: Recipe, *, refresh: bool = False) -> tuple[Entry | None, str]:
        """The entry and its source: hit, stale, hit_redis, miss (loaded here), collapsed (another's load).

        (None, "miss") where the loader ran and gave nothing to store; (None, "collapsed") where another's
        did, so that the caller loads for itself. Call it only while trusted.
        """
        now = monotonic()
        entry = self.memory.get(recipe.key)
        if entry is not None and not refresh:
            if now < entry.fresh_until and current(entry.marks):
                if now > entry.early_at:
                    entry.early_at = math.inf
                    self._launch(recipe)
                return entry, "hit"
            if self.may_be_stale(entry, recipe, now):
                self._launch(recipe)
                return entry, "stale"
        if self._passing(recipe.key, now):
            return await self._wait(self._start(recipe), "miss")
        flight = self._flights.get(recipe.key)
        if (
            flight is not None
            and not refresh
            and current(flight.marks)
            and now - flight.started_at < JOIN_SECONDS
        ):
            return await self._wait(flight, "collapsed")
        return await self._wait_or_stale(self._launch(recipe, anew=True), entry, recipe)

    def load_ahead(self, recipe: Recipe) -> Flight | None:
        """Start the load of `recipe`, which nobody asked for; None where a good one is under way."""
        flight = self._flights.get(recipe.key)
        if (flight is not None and current(flight.marks)) or recipe.key in self._passes:
            return None
        return self._launch(recipe, anew=True)

    @property
    def loads_under_way(self) -> int:
        return len(self._flights)

    def may_be_stale(self, entry: Entry, recipe: Recipe, now: float) -> bool:
        """True where the policy lets this expired entry be served for now: within stale_seconds of its
        expiry.
        """
        if recipe.stale_seconds <= 0 or now >= entry.stale_until:
            return False
        return (
            entry.marks[0][0].count == entry.marks[0][1]
            and expired_seconds(entry.marks, now) < recipe.stale_seconds
        )

    def _passing(self, key: Hashable, now: float) -> bool:
        until = self._passes.get(key)
        if until is None:
            return False
        if now < until:
            return True
        del self._passes[key]
        return False

    def _pass(self, key: Hashable) -> None:
        if len(self._passes) >= MOST_PASSES:
            self._passes.clear()
        self._passes[key] = monotonic() + PASS_SECONDS

    async def _wait(self, flight: Flight, source: str) -> tuple[Entry | None, str]:
        entry = await asyncio.shield(flight.future)
        return entry, flight.source if source == "miss" else source

    async def _wait_or_stale(
        self, flight: Flight, entry: Entry | None, recipe: Recipe
    ) -> tuple[Entry | None, str]:
        try:
            return await self._wait(flight, "miss")
        except Exception:
            if entry is not None and self.may_be_stale(entry, recipe, monotonic()):
                return entry, "stale"
            raise

    def _launch(self, recipe: Recipe, *, anew: bool = False) -> Flight:
        """Start the one load of this key that others join; with `anew` also where an overtaken one is under
        way.
        """
        flight = self._flights.get(recipe.key)
        if flight is None or anew:
            flight = self._flights[recipe.key] = self._start(recipe)
        return flight

    def _start(self, recipe: Recipe) -> Flight:
        flight = Flight(self.tags.read(recipe.tags))
        task = asyncio.create_task(self._fly(flight, recipe))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return flight

    async def _fly(self, flight: Flight, recipe: Recipe) -> None:
        outer_flight.set(flight)
        opened: Opened | None = None
        try:
            opened, entry = await self._from_redis(flight, recipe)
            loaded = None
            if entry is None:
                loaded = await recipe.load()
                entry = self._entry(flight, recipe, loaded)
            self._land(flight, recipe, entry)
        except BaseException as error:
            self._land_failed(flight, recipe, error)
            await self._give_back(opened, not_storable=False)
            if not isinstance(error, Exception):
                raise
            return
        if self.redis is None or opened is None or flight.source == "hit_redis":
            return
        if loaded is None or flight.is_nested or flight.is_deleted:
            await self._give_back(opened, not_storable=loaded is None)
        else:
            with suppress(RedisDownError):
                await self.redis.store(opened, loaded.encode(), recipe.ttl_seconds)

    def _entry(self, flight: Flight, recipe: Recipe, loaded: Loaded | None) -> Entry | None:
        if loaded is None:
            self._pass(recipe.key)
            return None
        now = monotonic()
        fresh_until = now + recipe.ttl_seconds
        early = (now - flight.started_at) * EARLY_BETA * random.expovariate(1)
        return Entry(
            loaded.value,
            loaded.size_bytes,
            (*flight.marks, *(mark for marks in flight.inner for mark in marks)),
            stored_at=now,
            fresh_until=fresh_until,
            stale_until=fresh_until + recipe.stale_seconds,
            early_at=max(fresh_until - early, now + 0.5 * recipe.ttl_seconds),
            again=recipe.again,
            is_ahead=recipe.is_ahead,
        )

    def _land(self, flight: Flight, recipe: Recipe, entry: Entry | None) -> None:
        if self._flights.get(recipe.key) is flight:
            del self._flights[recipe.key]
        if entry is not None and not flight.is_deleted and current(entry.marks):
            if flight.source == "miss":
                self.observer.note(recipe.route, self.memory.peek(recipe.key), entry, flight.started_at)
            self.memory.put(recipe.key, entry)
            if entry.again is not None and entry.key is not None:
                link(entry.marks, recipe.key)
        if not flight.future.done():
            flight.future.set_result(entry)

    def _land_failed(self, flight: Flight, recipe: Recipe, error: BaseException) -> None:
        if self._flights.get(recipe.key) is flight:
            del self._flights[recipe.key]
        if flight.future.done():
            return
        if isinstance(error, Exception):
            flight.future.set_exception(error)
            flight.future.exception()
        else:
            flight.future.cancel()

    # Redis

    async def _from_redis(self, flight: Flight, recipe: Recipe) -> tuple[Opened | None, Entry | None]:
        """A fresh entry of Redis, or the right to load it; waits a while for another process that is
        loading it.
        """
        if self.redis is None or recipe.key in self._passes:
            return None, None
        give_up_at = monotonic() + LEASE_WAIT_SECONDS
        try:
            while True:
                opened = await self.redis.open(recipe.digest, recipe.tags)
                if opened.value is not None:
                    entry = self._copied(flight, recipe, opened, opened.value)
                    if entry is not None:
                        flight.source = "hit_redis"
                        return opened, entry
                    await self.redis.delete(recipe.digest)
                    continue
                if opened.leased or opened.not_storable or monotonic() > give_up_at:
                    return opened, None
                await asyncio.sleep(LEASE_POLL_SECONDS)
        except RedisDownError:
            return None, None

    def _copied(self, flight: Flight, recipe: Recipe, opened: Opened, data: bytes) -> Entry | None:
        """An entry of Redis with marks read before Redis was asked; None where its bytes are none of ours."""
        try:
            value, size_bytes = recipe.decode(data)
        except Exception as error:
            log.warning("an entry in Redis could not be read (%s): it is loaded anew", type(error).__name__)
            return None
        now = monotonic()
        fresh_until = now + opened.remaining_seconds
        return Entry(
            value,
            size_bytes,
            flight.marks,
            stored_at=fresh_until - recipe.ttl_seconds,
            fresh_until=fresh_until,
            stale_until=fresh_until + recipe.stale_seconds,
            again=recipe.again,
            is_ahead=recipe.is_ahead,
        )

    async def _give_back(self, opened: Opened | None, *, not_storable: bool) -> None:
        if opened is not None and opened.leased and self.redis is not None:
            with suppress(RedisDownError):
                await self.redis.release(opened, not_storable=not_storable)
