"""One load of one key: what it needs, what it knew before it began, and who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import ContextVar
from time import monotonic
from typing import Any, NamedTuple

from pack2.cache.memory import Entry
from pack2.cache.tags import Marks


class Loaded(NamedTuple):
    """What a loader made: the value, its size in memory, and its bytes for Redis."""

    value: Any
    size_bytes: int
    encode: Callable[[], bytes]


class Recipe(NamedTuple):
    """How a key is loaded. `load` gives None where the answer must not be stored. `again` makes the recipe
    for another load that nobody waits for (`is_ahead`), or None where that must not be. `route` is what it is
    counted under.
    """

    key: Hashable
    digest: str
    tags: Sequence[str]
    ttl_seconds: float
    stale_seconds: float
    load: Callable[[], Awaitable[Loaded | None]]
    decode: Callable[[bytes], tuple[Any, int]]
    again: Callable[[], Recipe | None] | None = None
    is_ahead: bool = False
    route: str = ""


class Flight:
    """A load under way. `source` says where its value came from once it has landed."""

    __slots__ = ("future", "inner", "is_deleted", "is_nested", "marks", "source", "started_at")

    def __init__(self, marks: Marks) -> None:
        self.future: asyncio.Future[Entry | None] = asyncio.get_running_loop().create_future()
        self.marks = marks
        self.inner: list[Marks] = []
        self.started_at = monotonic()
        self.source = "miss"
        self.is_deleted = False
        self.is_nested = False


outer_flight: ContextVar[Flight | None] = ContextVar("pack2_flight", default=None)
