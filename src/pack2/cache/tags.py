"""Tags as counters: an entry remembers the counts read before its load and is fresh only while they are
equal.

There is no clock and no list of entries a tag, so expiring is O(1) and a write that commits during a read can
not leave the old value behind. A tag lives only while an entry or a load refers to it: the number of tags is
bounded by the entries, and advancing a tag that nobody refers to is nothing to do.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from time import monotonic
from typing import TypeAlias
from weakref import WeakValueDictionary


class Tag:
    """One counter. `advanced_at` is the monotonic second of the last advance; `keys` are those of the entries
    in memory that are to be loaded again when it comes.
    """

    __slots__ = ("__weakref__", "advanced_at", "count", "keys")

    def __init__(self) -> None:
        self.count = 0
        self.advanced_at = 0.0
        self.keys: set[Hashable] = set()

    def advance(self) -> None:
        self.count += 1
        self.advanced_at = monotonic()


Marks: TypeAlias = tuple[tuple[Tag, int], ...]


class Tags:
    """The counters of this process. Every mark holds the epoch first, so that one advance expires
    everything.
    """

    def __init__(self) -> None:
        self._tags: WeakValueDictionary[str, Tag] = WeakValueDictionary()
        self._epoch = Tag()
        self.sequence = 0

    def read(self, names: Iterable[str]) -> Marks:
        """The counts as they stand: to be read before a load and kept with what it loaded."""
        return (self._mark(self._epoch), *(self._mark(self._tag(name)) for name in names))

    def advance(self, names: Iterable[str]) -> set[Hashable]:
        """Expire every entry that carries one of `names`; the keys that were linked to them, no longer so."""
        self.sequence += 1
        expired: set[Hashable] = set()
        for name in names:
            if (tag := self._tags.get(name)) is not None:
                tag.advance()
                if tag.keys:
                    expired |= tag.keys
                    tag.keys = set()
        return expired

    def flush(self) -> None:
        """Expire everything."""
        self.sequence += 1
        self._epoch.advance()

    def __len__(self) -> int:
        return len(self._tags)

    def _tag(self, name: str) -> Tag:
        tag = self._tags.get(name)
        if tag is None:
            tag = self._tags[name] = Tag()
        return tag

    @staticmethod
    def _mark(tag: Tag) -> tuple[Tag, int]:
        return tag, tag.count


def current(marks: Marks) -> bool:
    """True while no tag in `marks` was advanced since it was read."""
    for tag, count in marks:  # noqa: SIM110 - a generator would cost 0.4 µs on the hot path
        if tag.count != count:
            return False
    return True


def link(marks: Marks, key: Hashable) -> None:
    """Let each tag but the epoch know `key`, so that its next advance names it."""
    for tag, _ in marks[1:]:
        tag.keys.add(key)


def unlink(marks: Marks, key: Hashable) -> None:
    """Take `key` back from the tags of `marks`."""
    for tag, _ in marks[1:]:
        tag.keys.discard(key)


def expired_seconds(marks: Marks, now: float) -> float:
    """How long ago the first-seen expiry came (the longest of the advanced tags); 0 while current."""
    return max((now - tag.advanced_at for tag, count in marks if tag.count != count), default=0.0)
