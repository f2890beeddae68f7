"""Plain counters, one object a route: counting a hit costs one addition."""

from __future__ import annotations

from collections import Counter
from typing import Final

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
