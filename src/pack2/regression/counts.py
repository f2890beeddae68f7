"""Compares counts: queries and Redis commands exactly, rows and buffers beyond what the clock moves.

They catch most regressions without any timing. Rows and buffers of "the last 30 days" move a little with the
time of day and with where PostgreSQL put a row, so they must grow by more than a tenth and by more than ten.
Five runs of one build moved none by more than four.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from pack2.loadtest.result import RouteCount

EXACT = ("queries", "queries_again", "redis_commands", "redis_commands_again")
ROUGH = ("rows", "buffers")
_ROUGH_RATIO, _ROUGH_DIFFERENCE = 1.10, 10


class CountChange(msgspec.Struct, frozen=True):
    """One count of one route that is another than the baseline's."""

    route: str
    count: str
    baseline: int
    now: int
    outcome: Literal["worse", "better", "slightly"]


def compare_counts(before: Sequence[RouteCount], now: Sequence[RouteCount]) -> tuple[CountChange, ...]:
    """Every difference on routes that both have, the worse ones first."""
    known = {row.name: row for row in before}
    changes = [change for row in now if row.name in known for change in _changes(known[row.name], row)]
    order = {"worse": 0, "better": 1, "slightly": 2}
    return tuple(sorted(changes, key=lambda change: (order[change.outcome], change.route, change.count)))


def missing_routes(before: Sequence[RouteCount], now: Sequence[RouteCount]) -> tuple[str, ...]:
    """Routes of the baseline that were not asked this time: what is not asked can not be compared."""
    return tuple(sorted({row.name for row in before} - {row.name for row in now})) if now else ()


def _changes(before: RouteCount, now: RouteCount) -> Iterable[CountChange]:
    for name in (*EXACT, *ROUGH):
        old, new = getattr(before, name), getattr(now, name)
        if old == new:
            continue
        matters = name in EXACT or _differs(old, new)
        outcome: Literal["worse", "better", "slightly"]
        outcome = "slightly" if not matters else "worse" if new > old else "better"
        yield CountChange(now.name, name, old, new, outcome)


def _differs(old: int, new: int) -> bool:
    low, high = sorted((old, new))
    return high > low * _ROUGH_RATIO and high - low > _ROUGH_DIFFERENCE
