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
from adaf.live.prices import Prices
from adaf.live.recent import Recent
from adaf.live.stopping import at_stop_signal
from adaf.live.stream import HEARTBEAT_SECONDS, SIGNED_OUT, STOPPED, Stream
from adaf.problem import TooManyRequests, Unavailable
from adaf.timing import current
from pack2.cache.feed import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from adaf.database import Database

log = logging.getLogger("adaf.live")

MOST_STREAMS: Final = 20  # of one user in one worker
SETTLE_SECONDS: Final = 0.05  # the caches of all workers hear of a change before a page asks for it
MARKET: Final = frozenset(("bars", "quotes"))
MARKET_SECONDS: Final = 0.5  # ingestion that commits more often is told of once in this time
CONNECT_SECONDS: Final = 3.0
RECONNECT_SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.0)

_LOST: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, Unavailable)


class SessionDigest(msgspec.Struct, frozen=True):
    token_hash: bytes


class Hub:
    """Listens while the server runs. `streams` is how many are open in this worker."""

    def __init__(self, database_url: str, db: Database) -> None:
        self._url = database_url
        self._db = db
        self._prices = Prices(db)
        self._recent = Recent()
        self._streams: set[Stream] = set()
        self._newcomers: set[Stream] = set()
        self._users: Counter[int] = Counter()
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
        """Listen from now on, as soon as the database answers, and hear of the server's end."""
        self._unhook = at_stop_signal(self.end)
        self._task = asyncio.create_task(self._run())

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
        while True:
            started = monotonic()
            try:
                await self._listen()
            except Exception as error:
                failures = 0 if monotonic() - started > CONNECT_SECONDS else failures + 1
                if failures <= 1:
                    defect = None if isinstance(error, _LOST) else error
                    log.warning(
                        "live updates interrupted (%s); reconnecting", type(error).__name__, exc_info=defect
                    )
                await asyncio.sleep(RECONNECT_SECONDS[min(failures, len(RECONNECT_SECONDS) - 1)])

    async def _listen(self) -> None:
        """Hear and tell until the connection is lost, which raises."""
        connection = await asyncpg.connect(
            self._url, timeout=CONNECT_SECONDS, server_settings={"application_name": "adaf live"}
        )
        try:
            connection.add_termination_listener(lambda _: self._news.set())
            await connection.add_listener(CHANNEL, self._hear)
            self._recent.begin(monotonic())
            self._welcome(self._streams)
            self._sweep_at = monotonic() + HEARTBEAT_SECONDS
            while True:
                await self._wait()
                if connection.is_closed():
                    raise ConnectionResetError
                await self._tell(connection)
        finally:
            connection.terminate()

    def _hear(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        tags = payload.split("\n")
        self._recent.add(tags, monotonic())
        self._tags.update(tags)
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
        if not self._streams or not (tags or newcomers):
            return
        is_priced = newcomers or "quotes" in tags or EVERYTHING in tags
        changed = await self._prices.read() if is_priced else {}
        missed = {
            stream: self._recent.since(stream.since) for stream in newcomers if stream.since is not None
        }
        owners = await self._owners(tags.union(*missed.values()))
        heard = audience(tags, owners)
        for stream in self._streams:
            if stream in newcomers:
                own = audience(missed.get(stream, ()), owners).tags_for(stream.user_id)
                stream.greet(self._prices.all, own)
            stream.offer(changed, heard.tags_for(stream.user_id))

    async def _owners(self, tags: Iterable[str]) -> list[TagOwner]:
        portfolios, strategies = owned(tags)
        if not portfolios and not strategies:
            return []
        return await self._db.fetch("live_owners", portfolios, strategies, type=TagOwner)

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
            await connection.execute("SELECT 1", timeout=CONNECT_SECONDS)  # behind it all that was committed
            suspects = set(self._streams)
            for stream in suspects:
                stream.beat()
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
