"""One open page: what it has not been sent yet.

A page that reads slowly gets the latest quote of each symbol when it is ready for more, not a queue of old
ones: what waits is at most one quote a symbol and MOST_TAGS tags.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Final

import msgspec

from adaf.live.audience import EVERYTHING

HEARTBEAT_SECONDS: Final = 15.0
MOST_TAGS: Final = 100
RECONNECT_MILLISECONDS: Final = 2000

SIGNED_OUT: Final = "signed-out"  # the page must not stay
STOPPED: Final = "stopped"  # the page may come again

_FIRST: Final = b"retry: %d\n\n" % RECONNECT_MILLISECONDS
_READY: Final = b"event: ready\ndata: {}\n\n"
_HEARTBEAT: Final = b"event: heartbeat\ndata: {}\n\n"


class Stream:
    """The events for one page of the user `user_id`, signed in by the session with the digest `session`.

    `since` is the moment (of time.monotonic) up to which the page knows everything; None for one that asks
    for what happens from now on.
    """

    def __init__(self, user_id: int, session: bytes, expires_at: float, since: float | None = None) -> None:
        self.user_id = user_id
        self.session = session
        self.since = since
        self._expires_at = expires_at
        self._opening = b""
        self._quotes: dict[str, bytes] = {}
        self._tags: set[str] = set()
        self._ending: str | None = None
        self._news = asyncio.Event()

    def greet(self, quotes: Mapping[str, bytes], missed: Collection[str]) -> None:
        """Tell the page that it will miss nothing from here on, with every quote and the tags it missed."""
        self._opening = _READY
        self.offer(quotes, missed)
        self._news.set()

    def beat(self) -> None:
        """Tell the page that it has missed nothing."""
        self._opening = self._opening or _HEARTBEAT
        self._news.set()

    def offer(self, quotes: Mapping[str, bytes], tags: Collection[str]) -> None:
        """Add quotes (by symbol, as JSON) and tags to what waits."""
        if not quotes and not tags:
            return
        self._quotes.update(quotes)
        self._tags.update(tags)
        if len(self._tags) > MOST_TAGS:
            self._tags = {EVERYTHING}
        self._news.set()

    def end(self, reason: str) -> None:
        """Send the end and nothing else any more."""
        if self._ending is None:
            self._ending = reason
        self._news.set()

    async def events(self) -> AsyncIterator[bytes]:
        """Blocks of server-sent events, until the stream ends."""
        yield _FIRST
        while self._ending is None:
            block = await self._next()
            if self._ending is None:
                yield block
        yield event("end", {"reason": self._ending})

    async def _next(self) -> bytes:
        left_seconds = self._expires_at - time.time()
        try:
            async with asyncio.timeout(max(0.0, left_seconds)):
                await self._news.wait()
        except TimeoutError:
            self.end(SIGNED_OUT)
        return self._take()

    def _take(self) -> bytes:
        self._news.clear()
        block = self._opening
        if self._tags:
            block += event("changed", {"tags": sorted(self._tags)})
        if self._quotes:
            block += b"event: quotes\ndata: [%s]\n\n" % b",".join(self._quotes.values())
        self._opening = b""
        self._quotes, self._tags = {}, set()
        return block


def event(name: str, data: object) -> bytes:
    """One server-sent event; JSON has no line breaks."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(data))
