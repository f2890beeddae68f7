"""Recommendations for times-to-live from what was measured: how often a route's answers change and are read.

Changes are taken as a Poisson process. Of n reloads of answers that no tag had expired, c had changed; so one
such reload finds a change with probability p = (c + 1/2) / (n + 1), and the rate is -ln(1 - p) over the mean
time between. With few reloads the estimate is careful: where nothing changed, a round of measurement about
doubles the time-to-live, never more than the evidence carries.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from pack2.cache.observed import Observation
from pack2.config import HttpPolicy
from pack2.tuning.policies import STALE_PROBABILITY, ttl_for
from pack2.tuning.recommendation import Recommendation

LEAST_RELOADS: Final = 20
LEAST_READS: Final = 200
NOTABLE: Final = 1.5
"""Times by which a time-to-live is off before it is worth a line."""
LEAST_HIT_SHARE: Final = 0.05


def change_rate(seen: Observation) -> float:
    """Changes a second that no tag announced, of one answer of the route; NaN where nothing was reloaded."""
    if not seen.reloads or seen.reload_seconds <= 0:
        return math.nan
    share = (seen.changed + 0.5) / (seen.reloads + 1)
    return -math.log1p(-share) / (seen.reload_seconds / seen.reloads)


def of_observations(
    policies: Iterable[HttpPolicy], observed: Iterable[Observation]
) -> tuple[Recommendation, ...]:
    """A better time-to-live where the measured rate asks for one; what is hardly ever read a second time."""
    by_route = {seen.route: seen for seen in observed}
    found = []
    for policy in policies:
        seen = by_route.get(policy.route)
        if seen is None or policy.scope == "none" or "GET" not in policy.methods:
            continue
        found += [one for one in (_lifetime(policy, seen), _refreshes(policy, seen)) if one is not None]
    return tuple(found)


def _lifetime(policy: HttpPolicy, seen: Observation) -> Recommendation | None:
    rate = change_rate(seen)
    if seen.reloads < LEAST_RELOADS or math.isnan(rate):
        return None
    best = ttl_for(rate)
    is_shorter = best * NOTABLE < policy.ttl_seconds
    is_longer = best > policy.ttl_seconds * NOTABLE and _is_read(seen)
    if not is_shorter and not is_longer:
        return None
    evidence = (
        f"{seen.changed:,} of {seen.reloads:,} reloads, {seen.reload_seconds / seen.reloads:,.1f} s apart, "
        f"had changed; {seen.reads / seen.seconds:,.2g} reads/s, ttl_seconds is {policy.ttl_seconds:g}"
    )
    advice = f"{'shorter' if is_shorter else 'longer'} life, so that {STALE_PROBABILITY:.0%} of it are old"
    if is_shorter and policy.tags:
        advice += "; or name the tag that expires it: none of its own did"
    return Recommendation("cache", policy.route, advice, evidence, f"ttl_seconds = {_rounded(best):g}")


def _refreshes(policy: HttpPolicy, seen: Observation) -> Recommendation | None:
    """What is not read again does not earn that it is loaded ahead."""
    if not policy.refresh_ahead or not policy.tags or seen.reads < LEAST_READS:
        return None
    share = seen.hits / seen.reads
    if share >= LEAST_HIT_SHARE:
        return None
    evidence = f"{share:.1%} of {seen.reads:,} reads were hits"
    advice = "do not load it again before somebody asks"
    return Recommendation("cache", policy.route, advice, evidence, "refresh_ahead = false")


def _is_read(seen: Observation) -> bool:
    """Read often enough for a longer life to save a load: each load is followed by a hit or more."""
    return 2 * seen.hits >= seen.reads


def _rounded(seconds: float) -> float:
    """Two digits, rounded down: a bound that is kept."""
    step = 10.0 ** (math.floor(math.log10(seconds)) - 1)
    return max(1.0, math.floor(seconds / step) * step)
