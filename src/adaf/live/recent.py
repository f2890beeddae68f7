"""What expired a moment ago: a page that was made before its stream began is told of it when it does.

Complete from the moment on that the ear was opened; what lies before that is answered by everything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from adaf.live.audience import EVERYTHING

KEPT_SECONDS: Final = 60.0
MOST_KEPT: Final = 10_000
MARGIN_SECONDS: Final = 1.0  # between what an answer was made from and its notification here


class Recent:
    """The tags of the last KEPT_SECONDS; moments are those of time.monotonic()."""

    def __init__(self) -> None:
        self._heard: deque[tuple[float, str]] = deque()
        self._complete_from = float("inf")

    def begin(self, now: float) -> None:
        """The ear is open from `now` on: what was before may have been missed."""
        self._heard.clear()
        self._complete_from = now

    def add(self, tags: Iterable[str], now: float) -> None:
        """Keep `tags`, heard at `now`."""
        self._heard.extend((now, tag) for tag in tags)
        while self._heard and (self._heard[0][0] < now - KEPT_SECONDS or len(self._heard) > MOST_KEPT):
            moment, _ = self._heard.popleft()
            self._complete_from = moment

    def since(self, moment: float) -> set[str]:
        """The tags that expired after `moment`; EVERYTHING where that is not known any more."""
        if moment - MARGIN_SECONDS <= self._complete_from:
            return {EVERYTHING}
        return {tag for heard_at, tag in self._heard if heard_at > moment - MARGIN_SECONDS}
