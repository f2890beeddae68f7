"""Plain counters, one object a route: counting a hit costs one addition."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pack2.cache.cache import Cache

OUTCOMES: Final = ("hit", "hit_redis", "stale", "miss", "collapsed", "not_stored", "bypass", "anonymous")


class Statistics:
    """`counts[(route, outcome)]`; outcomes are those of OUTCOMES. Never a user, a key or a query in it."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def count(self, route: str, outcome: str) -> None:
        self.counts[route, outcome] += 1

    def by_route(self) -> dict[str, dict[str, int]]:
        routes: dict[str, dict[str, int]] = {}
        for (route, outcome), number in sorted(self.counts.items()):
            routes.setdefault(route, {})[outcome] = number
        return routes


def describe(cache: Cache) -> dict[str, Any]:
    """Everything that `cache` counts, by tier."""
    redis, memory, feed = cache.redis, cache.memory, cache.feed
    return {
        "routes": cache.counters.by_route(),
        "memory": {
            "entries": len(memory),
            "bytes": memory.size_bytes,
            "budget_bytes": memory.budget_bytes,
            "evictions": memory.evictions,
        },
        "tags": len(cache.tags),
        "refresh_ahead": dict(cache.refresher.counts),
        "feed": {"trusted": cache.is_trusted(), "flushes": feed.flushes if feed else 0},
        "redis": {"up": redis.breaker.is_closed, "errors": redis.errors, "policy": redis.maxmemory_policy}
        if redis
        else None,
    }
