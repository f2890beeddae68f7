"""How often somebody may try to sign in: a leaky bucket (GCRA) a key, for bounded many keys a worker."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic


class Limiter:
    """`burst` attempts at once, then one every `interval_seconds`; knows the `capacity` most recent keys."""

    def __init__(
        self,
        burst: int,
        interval_seconds: float,
        capacity: int = 10_000,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._interval_seconds = interval_seconds
        self._tolerance_seconds = (burst - 1) * interval_seconds
        self._capacity = capacity
        self._clock = clock
        self._arrivals: OrderedDict[str, float] = OrderedDict()

    def attempt(self, key: str) -> int:
        """0 when `key` may try now, and the attempt is counted; else the seconds to wait, rounded up."""
        now = self._clock()
        arrival = max(self._arrivals.get(key, now), now)
        if (wait := arrival - now - self._tolerance_seconds) > 0:
            return math.ceil(wait)
        self._arrivals[key] = arrival + self._interval_seconds
        self._arrivals.move_to_end(key)
        if len(self._arrivals) > self._capacity:
            self._arrivals.popitem(last=False)
        return 0

    def give_back(self, key: str) -> None:
        """Take the last counted attempt of `key` back."""
        if key in self._arrivals:
            self._arrivals[key] -= self._interval_seconds

    def forget(self, key: str) -> None:
        """Start `key` anew: its attempt succeeded."""
        self._arrivals.pop(key, None)

    def __len__(self) -> int:
        return len(self._arrivals)
