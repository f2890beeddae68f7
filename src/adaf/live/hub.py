"""The worker's ear: one LISTEN connection and one read of the quotes for all streams together.

A notification may be lost only with its connection. Then every stream is greeted anew once there is another,
and its page asks for everything again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import msgspec

from adaf.live.audience import EVERYTHING, TagOwner, audience, owned, session_owners
from adaf.live.stopping import at_stop_signal
from adaf.live.stream import HEARTBEAT_SECONDS, SIGNED_OUT, STOPPED, Stream
from adaf.market import reads
from adaf.market.models import Quote
from adaf.problem import TooManyRequests, Unavailable
from adaf.timing import current
from adaf.web import format
from pack2.cache.feed import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from adaf.database import Database

log = logging.getLogger("adaf.live")

MOST_STREAMS: Final = 20  # of one user in one worker
SETTLE_SECONDS: Final = 0.05  # the caches of all workers hear of a change before a page asks for it
CONNECT_SECONDS: Final = 3.0
RECONNECT_SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.0)
MARKET: Final = frozenset(("bars", "quotes"))
MARKET_SECONDS: Final = 0.5  # ingestion that commits more often is told of once in this time

_LOST: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, Unavailable)


class LiveQuote(msgspec.Struct, frozen=True):
    """What an open page shows of a quote, as numbers and in its templates' words; `ts` in Unix seconds."""

    symbol: str
    ts: int
    price: float
    price_text: str
    change_24h_ratio: float
    change_text: str


class SessionDigest(msgspec.Struct, frozen=True):
    token_hash: bytes


class Hub:
    """Listens while there are streams. `streams` is how many are open in this worker."""

    def __init__(self, database_url: str, db: Database) -> None:
        self._url = database_url
        self._db = db
        self._streams: set[Stream] = set()
        self._newcomers: set[Stream] = set()
        self._users: Counter[int] = Counter()
        self._quotes: dict[str, bytes] = {}
        self._tags: set[str] = set()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_stopped = False
        self._sweep_at = 0.0
        self._market_at = 0.0
        self._unhook: Callable[[], None] = lambda: None

    @property
    def streams(self) -> int:
        return len(self._streams)

    async def start(self) -> None:
        """Hear of the server's end from now on; listening begins with the first stream."""
        self._unhook = at_stop_signal(self.end)

    def require_room(self, user_id: int) -> None:
        """Raises TooManyRequests, or Unavailable while the server stops."""
        if self._is_stopped:
            raise Unavailable("The dashboard stops at the moment; try again.", retry_after_seconds=2)
        if self._users[user_id] >= MOST_STREAMS:
            raise TooManyRequests(
                f"You have {MOST_STREAMS} live streams open; close a page first.", int(HEARTBEAT_SECONDS)
            )

    def join(self, stream: Stream) -> None:
        """Greet `stream` as soon as it will miss nothing, and tell it what happens until it leaves."""
        self._streams.add(stream)
        self._users[stream.user_id] += 1
        self._welcome((stream,))
        if self._is_stopped:
            stream.end(STOPPED)
        elif self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def leave(self, stream: Stream) -> None:
        self._streams.discard(stream)
        self._newcomers.discard(stream)
        self._users -= Counter((stream.user_id,))

    def end(self) -> None:
        """End every stream, now that the server stops; new ones are refused."""
        self._is_stopped = True
        for stream in self._streams:
            stream.end(STOPPED)

    async def stop(self) -> None:
        """End every stream and stop listening."""
        self.end()
        self._unhook()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def _welcome(self, streams: Iterable[Stream]) -> None:
        self._newcomers.update(streams)
        self._news.set()

    async def _run(self) -> None:
        current.set(None)  # its queries belong to no request
        failures = 0
        while self._streams:
            started = monotonic()
            try:
                await self._listen()
            except _LOST as error:
                failures = 0 if monotonic() - started > CONNECT_SECONDS else failures + 1
                if failures <= 1:
                    log.warning("live updates interrupted (%s); reconnecting", type(error).__name__)
                await asyncio.sleep(RECONNECT_SECONDS[min(failures, len(RECONNECT_SECONDS) - 1)])

    async def _listen(self) -> None:
        """Until the connection is lost (raises), or nobody listens any more (returns)."""
        connection = await asyncpg.connect(
            self._url, timeout=CONNECT_SECONDS, server_settings={"application_name": "adaf live"}
        )
        try:
            connection.add_termination_listener(lambda _: self._news.set())
            await connection.add_listener(CHANNEL, self._hear)
            self._welcome(self._streams)
            self._sweep_at = monotonic() + HEARTBEAT_SECONDS
            while self._streams:
                await self._wait()
                if connection.is_closed():
                    raise ConnectionResetError
                await self._tell(connection)
        finally:
            connection.terminate()

    def _hear(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        if self._streams:
            self._tags.update(payload.split("\n"))
            self._news.set()

    async def _wait(self) -> None:
        due_at = min(self._sweep_at, self._market_at) if self._tags else self._sweep_at
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, due_at - monotonic())):
                await self._news.wait()
        await asyncio.sleep(SETTLE_SECONDS)

    async def _tell(self, connection: asyncpg.Connection) -> None:
        """One round: everything heard until now, to everybody whom it concerns."""
        self._news.clear()
        tags = self._due_tags()
        newcomers, self._newcomers = self._newcomers, set()
        await self._expel(newcomers, tags, connection)
        is_priced = newcomers or "quotes" in tags or EVERYTHING in tags
        changed = await self._changed_quotes() if is_priced else {}
        portfolios, strategies = owned(tags)
        owners: list[TagOwner] = []
        if portfolios or strategies:
            owners = await self._db.fetch("live_owners", portfolios, strategies, type=TagOwner)
        heard = audience(tags, owners)
        for stream in self._streams:
            if stream in newcomers:
                stream.greet(self._quotes)
            stream.offer(changed, heard.tags_for(stream.user_id))

    def _due_tags(self) -> set[str]:
        """What was heard; those of the market wait until MARKET_SECONDS after the last time."""
        tags, self._tags = self._tags, set()
        if tags & MARKET:
            if monotonic() < self._market_at:
                self._tags = tags & MARKET
                return tags - MARKET
            self._market_at = monotonic() + MARKET_SECONDS
        return tags

    async def _expel(self, newcomers: set[Stream], tags: set[str], connection: asyncpg.Connection) -> None:
        """End the streams whose session is over: asked about newcomers, where a session changed, and of all
        now and then.
        """
        suspects = newcomers
        if monotonic() >= self._sweep_at or EVERYTHING in tags:
            self._sweep_at = monotonic() + HEARTBEAT_SECONDS
            await connection.execute("SELECT 1", timeout=CONNECT_SECONDS)
            suspects = set(self._streams)
        elif users := session_owners(tags):
            suspects = newcomers | {stream for stream in self._streams if stream.user_id in users}
        if not suspects:
            return
        digests = [stream.session for stream in suspects]
        rows = await self._db.fetch("live_sessions", digests, type=SessionDigest)
        open_sessions = {row.token_hash for row in rows}
        for stream in suspects:
            if stream.session not in open_sessions:
                stream.end(SIGNED_OUT)

    async def _changed_quotes(self) -> dict[str, bytes]:
        """Reads the quotes; those that differ from the last time, by symbol."""
        before = self._quotes
        self._quotes = {quote.symbol: _encoded(quote) for quote in await reads.quotes(self._db)}
        return {symbol: text for symbol, text in self._quotes.items() if before.get(symbol) != text}


def _encoded(quote: Quote) -> bytes:
    return msgspec.json.encode(
        LiveQuote(
            quote.symbol,
            int(quote.ts.timestamp()),
            quote.price,
            format.price(quote.price),
            quote.change_24h_ratio,
            format.percent(quote.change_24h_ratio),
        )
    )
