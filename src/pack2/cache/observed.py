"""How often answers change and are asked for, by route: what a time-to-live is chosen by.

An answer that was loaded again although no tag of it had expired shows whether it changed unannounced in the
time between. Each process adds what it saw to one hash in Redis, now and then and when it stops; the hash
holds routes and numbers, never a user, a key or a query.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from time import time
from typing import TYPE_CHECKING, Any, Final

import msgspec
from redis import Redis

from pack2.cache.memory import Entry
from pack2.cache.redis_tier import FORMAT, RedisDownError
from pack2.cache.tags import current

if TYPE_CHECKING:
    from pack2.cache.cache import Cache

SEND_SECONDS: Final = 10.0
KEEP_SECONDS: Final = 30 * 24 * 3600
READS: Final = frozenset(("hit", "hit_redis", "stale", "miss", "collapsed"))
HITS: Final = frozenset(("hit", "hit_redis", "stale"))
_SINCE: Final = b"since"
_SEPARATOR: Final = "\t"


class Observation(msgspec.Struct, frozen=True):
    """What all processes saw of one route in `seconds`.

    `reloads` of answers whose tags had not expired came `reload_seconds` in all after what they replaced, and
    `changed` of them were different.
    """

    route: str
    seconds: float
    reads: int = 0
    hits: int = 0
    reloads: int = 0
    changed: int = 0
    reload_seconds: float = 0.0


class Observer:
    """What this process saw of `cache` and has not yet sent."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._seen: Counter[str] = Counter()
        self._sent: Counter[tuple[str, str]] = Counter()
        self._since = time()
        self._task: asyncio.Task[None] | None = None

    def note(self, route: str, old: Entry | None, new: Entry, started_at: float) -> None:
        """`new` was loaded from `started_at` on and replaces `old`; call it before `old` is gone."""
        if not route or old is None or not current(old.marks):
            return
        self._seen[f"{route}{_SEPARATOR}reloads"] += 1
        self._seen[f"{route}{_SEPARATOR}changed"] += old.value != new.value
        milliseconds = max(0, round(1000 * (started_at - old.stored_at)))
        self._seen[f"{route}{_SEPARATOR}reload_milliseconds"] += milliseconds

    def start(self) -> None:
        self._task = asyncio.create_task(self._send_for_ever())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self.send()

    async def send(self) -> None:
        """Add what was seen since the last time to what all processes saw; kept where Redis is away."""
        counts = self._cache.counters.counts.copy()
        seen, self._seen = self._seen, Counter()
        for (route, outcome), number in (counts - self._sent).items():
            seen[f"{route}{_SEPARATOR}reads"] += number * (outcome in READS)
            seen[f"{route}{_SEPARATOR}hits"] += number * (outcome in HITS)
        self._sent = counts
        seen = +seen
        if not seen or self._cache.redis is None:
            return
        try:
            keep_until = int(time()) + KEEP_SECONDS
            await self._cache.redis.add("o", seen, since=self._since, keep_until=keep_until)
        except RedisDownError:
            self._seen += seen

    async def _send_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SEND_SECONDS)
            await self.send()


def observations(redis: Redis, namespace: str, now: float | None = None) -> tuple[Observation, ...]:
    """What the processes of `namespace` sent, by route."""
    found: Any = redis.hgetall(f"{namespace}:{FORMAT}:o")
    seconds = max(1.0, (now or time()) - float(found.pop(_SINCE, b"0")))
    routes: dict[str, dict[str, Any]] = {}
    for field, value in found.items():
        route, _, name = field.decode().rpartition(_SEPARATOR)
        routes.setdefault(route, {})[name] = int(value)
    return tuple(
        Observation(
            route=route,
            seconds=seconds,
            reads=seen.get("reads", 0),
            hits=seen.get("hits", 0),
            reloads=seen.get("reloads", 0),
            changed=seen.get("changed", 0),
            reload_seconds=seen.get("reload_milliseconds", 0) / 1000,
        )
        for route, seen in sorted(routes.items())
    )
