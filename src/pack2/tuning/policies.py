"""Recommendations for cache policies: what bounds each entry's age, and what the configuration leaves open.

A policy whose tags the change feed announces needs its time-to-live only as a safety net. A tag that nothing
announces leaves the time-to-live alone to bound an answer's age.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Final

from pack2.config import CacheSection, HttpPolicy
from pack2.tuning.recommendation import Recommendation

STALE_PROBABILITY: Final = 0.05
LEAST_TTL_SECONDS: Final = 1.0
MOST_TTL_SECONDS: Final = 3600.0
_PARAMETER = re.compile(r"\{[^{}]*\}")


def ttl_for(change_rate_per_second: float, stale_probability: float = STALE_PROBABILITY) -> float:
    """Seconds after which an entry is old with `stale_probability`, where its data changes at that rate.

    Changes are taken as a Poisson process: 1 - exp(-rate * ttl) = p. Bounded to 1 s … 1 h.
    """
    if change_rate_per_second <= 0:
        return MOST_TTL_SECONDS
    ttl = -math.log1p(-stale_probability) / change_rate_per_second
    return min(MOST_TTL_SECONDS, max(LEAST_TTL_SECONDS, ttl))


def shape_of(tag: str) -> str:
    """`portfolio:{portfolio_id}` and `portfolio:{id}` are one kind of tag."""
    return _PARAMETER.sub("{}", tag)


def announced_shapes(cache: CacheSection) -> frozenset[str]:
    """The kinds of tags that the change feed's triggers announce, those in `tags_sql` included."""
    shapes = {shape_of(tag) for feed in cache.feed for tag in feed.tags}
    for feed in cache.feed:
        shapes.update(f"{prefix}{{}}" for prefix in re.findall(r"'([a-z_]+:)'\s*\|\|", feed.tags_sql))
    return frozenset(shapes)


def of_policies(policies: Iterable[HttpPolicy], cache: CacheSection) -> tuple[Recommendation, ...]:
    """Stored routes without any tag, and kinds of tags that no trigger announces."""
    announced = announced_shapes(cache)
    expired_by_hand = {shape_of(tag) for policy in policies for tag in policy.expires}
    found: dict[str, list[str]] = {}
    result = []
    for policy in policies:
        if policy.scope == "none" or "GET" not in policy.methods:
            continue
        if not policy.tags:
            evidence = f"no tags: an answer is up to {policy.ttl_seconds:g} s old"
            advice = "name what expires it, or measure its change rate and set ttl_seconds by it"
            result.append(Recommendation("cache", policy.route, advice, evidence, "docs/cache.md"))
        for tag in policy.tags:
            shape = shape_of(tag)
            if shape not in announced and shape not in expired_by_hand:
                found.setdefault(shape, []).append(policy.route)
    for shape, routes in sorted(found.items()):
        evidence = f"no [[cache.feed]] announces it; {len(routes)} routes carry it, such as {routes[0]}"
        advice = "add its table to the feed, or let the application announce it with pg_notify"
        result.append(Recommendation("cache", f"tag {shape}", advice, evidence, "pack2 feed apply"))
    return tuple(result)
