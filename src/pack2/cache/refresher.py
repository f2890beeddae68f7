"""Refresh-ahead: what was read and is expired by a write is loaded again before the next reader comes.

Only what this process holds and is likely to be read before it expires again: each refresh halves what an
entry's readers count for, and below LEAST_READS it is left alone. Readers come first: a refresh waits while
loads that somebody waits for are under way, at most a few run at once, what is read most comes first, and
what does not fit into the queue is left to the next reader. The rules of freshness are those of every load:
tags are read before it, and an expiry during it discards it.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import math
import random
from collections import Counter
from collections.abc import Hashable, Iterable
from time import monotonic
from typing import TYPE_CHECKING, Final

from pack2.cache.flight import Flight
from pack2.cache.tags import current

if TYPE_CHECKING:
    from pack2.cache.cache import Cache

log = logging.getLogger("pack2.cache")

SETTLE_SECONDS: Final = 0.01
"""A write is heard of twice, from the request and from the change feed: both come before the load."""
AT_ONCE: Final = 4
ROUND: Final = 16
"""So many are taken from the queue before it is looked at again: a write may have added what is read more."""
MOST_QUEUED: Final = 4096
BUSY_LOADS: Final = 8
BUSY_SECONDS: Final = 0.005
LEAST_READS: Final = 0.3
"""What was read once is refreshed twice, with 1 and 0.5 reads; not a third time, with 0.25."""
SURE_READS: Final = 2.0
"""About one reader a life: the next one would load it anyway."""
KEY_SECONDS: Final = 1.0
"""A key with fewer reads is not refreshed more often, however often it is written."""
OUTCOMES: Final = ("refreshed", "unread", "fresh", "refused", "failed", "overtaken", "too_soon", "queue_full")


class Refresher:
    """Loads expired entries of `cache` again. `counts[outcome]`, outcomes are those of OUTCOMES."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._queue: dict[Hashable, int] = {}
        self._last: dict[Hashable, float] = {}
        self._task: asyncio.Task[None] | None = None
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._running: set[asyncio.Task[None]] = set()
        self.counts: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))

    def want(self, keys: Iterable[Hashable]) -> None:
        """Queue the entries of `keys` that were read; to be called from the event loop."""
        for key in keys:
            self._add(key, attempts=2)
        if self._queue and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        self._queue.clear()
        tasks = [task for task in (self._task, *self._running) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _add(self, key: Hashable, attempts: int) -> None:
        entry = self._cache.memory.peek(key)
        if entry is None or entry.again is None:
            return
        if entry.reads < LEAST_READS:
            self.counts["unread"] += 1
        elif key not in self._queue and len(self._queue) >= MOST_QUEUED:
            self.counts["queue_full"] += 1
        else:
            self._queue[key] = attempts

    async def _work(self) -> None:
        """Empty the queue, what was read most first; ends with it."""
        while self._queue:
            await asyncio.sleep(SETTLE_SECONDS)
            for key in heapq.nlargest(ROUND, self._queue, key=self._rank):
                attempts = self._queue.pop(key, 0)
                if not attempts:
                    continue
                await self._slots.acquire()
                while self._reads(key) < SURE_READS and self._cache.loads_under_way > BUSY_LOADS:  # noqa: ASYNC110
                    await asyncio.sleep(BUSY_SECONDS)  # an event would cost each load
                self._start(key, attempts)
            if self._running and not self._queue:
                await asyncio.wait(self._running)

    def _rank(self, key: Hashable) -> tuple[int, float]:
        """By powers of two of its reads, then at random: processes that hold the same entries seldom load the
        same one at the same time, where one would only wait for the other.
        """
        return math.frexp(self._reads(key))[1], random.random()  # noqa: S311

    def _reads(self, key: Hashable) -> float:
        entry = self._cache.memory.peek(key)
        return 0.0 if entry is None else entry.reads

    def _start(self, key: Hashable, attempts: int) -> None:
        flight = self._launch(key)
        if flight is None:
            self._slots.release()
            return
        task = asyncio.create_task(self._see_through(key, flight, attempts))
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._slots.release()

    def _launch(self, key: Hashable) -> Flight | None:
        entry = self._cache.memory.peek(key)
        now = monotonic()
        if entry is None or entry.again is None or not self._cache.is_trusted():
            return None
        if current(entry.marks) and now < entry.fresh_until:
            self.counts["fresh"] += 1
            return None
        if entry.reads < SURE_READS and now - self._last.get(key, -KEY_SECONDS) < KEY_SECONDS:
            self.counts["too_soon"] += 1
            return None
        recipe = entry.again()
        if recipe is None:
            self.counts["refused"] += 1
            return None
        flight = self._cache.load_ahead(recipe)
        if flight is None:
            self.counts["fresh"] += 1
            return None
        if len(self._last) >= MOST_QUEUED:
            self._last.clear()
        self._last[key] = now
        return flight

    async def _see_through(self, key: Hashable, flight: Flight, attempts: int) -> None:
        try:
            entry = await asyncio.shield(flight.future)
        except Exception as error:
            self.counts["failed"] += 1
            log.debug("a refresh failed (%s)", type(error).__name__)
            return
        if entry is None:
            self.counts["refused"] += 1
        elif current(entry.marks):
            self.counts["refreshed"] += 1
        else:
            self.counts["overtaken"] += 1
            if attempts > 1:
                self._last.pop(key, None)
                self._add(key, attempts - 1)
