"""The memory tier: S3-FIFO with a byte budget.

Yang et al., "FIFO queues are all you need for cache eviction" (SOSP 2023). A hit only raises a saturating
counter, so that reading costs a dictionary look-up; one-time keys leave through the small queue and never
push out what is read.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Any

from pack2.cache.tags import Marks, unlink

MOST_USES = 3
SMALL_SHARE = 0.1
ENTRY_OVERHEAD_BYTES = 600
AGAIN_BYTES = 1500
"""A request that can be asked again: its scope and its headers."""


class Entry:
    """A stored value with its life: all times are monotonic seconds. `key` is None once it has left the
    cache. `again` gives what loads it anew without being asked; `is_ahead` where that is how it came.
    `reads` counts who asked for it, halved whenever it is loaded anew: about twice the readers of one life.
    """

    __slots__ = (
        "again",
        "early_at",
        "fresh_until",
        "is_ahead",
        "is_small",
        "key",
        "marks",
        "reads",
        "size_bytes",
        "stale_until",
        "stored_at",
        "uses",
        "value",
    )

    def __init__(
        self,
        value: Any,
        size_bytes: int,
        marks: Marks,
        *,
        stored_at: float,
        fresh_until: float,
        stale_until: float,
        early_at: float = float("inf"),
        again: Callable[[], Any] | None = None,
        is_ahead: bool = False,
    ) -> None:
        self.key: Hashable = None
        self.value = value
        self.size_bytes = size_bytes + ENTRY_OVERHEAD_BYTES + (AGAIN_BYTES if again is not None else 0)
        self.again = again
        self.is_ahead = is_ahead
        self.marks = marks
        self.stored_at = stored_at
        self.fresh_until = fresh_until
        self.stale_until = stale_until
        self.early_at = early_at
        self.uses = 0
        self.reads = 0.0 if is_ahead else 1.0
        self.is_small = False


class Memory:
    """At most `budget_bytes` of entries, the ones most worth keeping."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self.size_bytes = 0
        self.evictions = 0
        self._entries: dict[Hashable, Entry] = {}
        self._small: deque[Entry] = deque()
        self._main: deque[Entry] = deque()
        self._ghosts: OrderedDict[Hashable, int] = OrderedDict()
        self._small_bytes = 0
        self._ghost_bytes = 0
        self._small_budget_bytes = int(budget_bytes * SMALL_SHARE)

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable) -> Entry | None:
        entry = self._entries.get(key)
        if entry is not None:
            entry.reads += 1
            if entry.uses < MOST_USES:
                entry.uses += 1
        return entry

    def peek(self, key: Hashable) -> Entry | None:
        """As `get`, without counting a use."""
        return self._entries.get(key)

    def put(self, key: Hashable, entry: Entry) -> None:
        """Store `entry`; one larger than the budget is not kept. A replaced entry keeps its queue and, where
        somebody asked for the new one, its uses.
        """
        old = self._entries.get(key)
        if entry.size_bytes > self.budget_bytes:
            self.delete(key)
            return
        entry.key = key
        if old is not None:
            self._replace(key, old, entry)
        else:
            self._insert(key, entry)
        if self.size_bytes > self.budget_bytes:
            self._evict()

    def delete(self, key: Hashable) -> None:
        if (entry := self._entries.get(key)) is not None:
            self._forget(entry)

    def _insert(self, key: Hashable, entry: Entry) -> None:
        self._entries[key] = entry
        self.size_bytes += entry.size_bytes
        if (ghost := self._ghosts.pop(key, None)) is not None:
            self._ghost_bytes -= ghost
            self._main.append(entry)
        else:
            self._enter_small(entry)

    def _enter_small(self, entry: Entry) -> None:
        self._small.append(entry)
        entry.is_small = True
        self._small_bytes += entry.size_bytes

    def _replace(self, key: Hashable, old: Entry, entry: Entry) -> None:
        entry.reads = old.reads / 2
        if not entry.is_ahead:
            entry.uses = old.uses
        was_small = old.is_small
        self._forget(old)
        self._entries[key] = entry
        self.size_bytes += entry.size_bytes
        if was_small:
            self._enter_small(entry)
        else:
            self._main.append(entry)

    def _forget(self, entry: Entry) -> None:
        """Take `entry` out of the table; its place in a queue is skipped when its turn comes."""
        del self._entries[entry.key]
        self.size_bytes -= entry.size_bytes
        if entry.is_small:
            self._small_bytes -= entry.size_bytes
        _let_go(entry)
        self._drop_dead()

    def _drop_dead(self) -> None:
        """Bound the skipped places: rebuild a queue when most of it is dead."""
        if len(self._small) + len(self._main) > 2 * len(self._entries) + 64:
            self._small = deque(entry for entry in self._small if entry.key is not None)
            self._main = deque(entry for entry in self._main if entry.key is not None)

    def _evict(self) -> None:
        while self.size_bytes > self.budget_bytes:
            if self._small_bytes > self._small_budget_bytes or not self._main:
                self._evict_small()
            else:
                self._evict_main()

    def _evict_small(self) -> None:
        while self._small:
            entry = self._small.popleft()
            if entry.key is None:
                continue
            entry.is_small = False
            self._small_bytes -= entry.size_bytes
            if entry.uses > 1:
                entry.uses = 0
                self._main.append(entry)
                return
            self._remember(entry)
            self._leave(entry)
            return

    def _evict_main(self) -> None:
        while self._main:
            entry = self._main.popleft()
            if entry.key is None:
                continue
            if entry.uses > 0:
                entry.uses -= 1
                self._main.append(entry)
                continue
            self._leave(entry)
            return

    def _leave(self, entry: Entry) -> None:
        del self._entries[entry.key]
        self.size_bytes -= entry.size_bytes
        self.evictions += 1
        _let_go(entry)

    def _remember(self, entry: Entry) -> None:
        self._ghosts[entry.key] = entry.size_bytes
        self._ghost_bytes += entry.size_bytes
        while self._ghost_bytes > self.budget_bytes:
            _, size_bytes = self._ghosts.popitem(last=False)
            self._ghost_bytes -= size_bytes


def _let_go(entry: Entry) -> None:
    """It has left the cache: nothing points to it any more, and what could load it again is forgotten."""
    if entry.again is not None:
        unlink(entry.marks, entry.key)
        entry.again = None
    entry.key = None
