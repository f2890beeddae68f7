"""The change feed: PostgreSQL's NOTIFY carries expired tags to every process, and numbered heartbeats prove
that it does.

A heartbeat goes the whole way: sent on the listening connection, it comes back behind every message committed
before it. What it proves is dated by when it was *sent*: a process that was stopped for ten seconds finds old
heartbeats in its socket, and they prove nothing about the ten seconds. After a gap everything is expired
before anything is trusted.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, Final, Protocol

import asyncpg

from pack2.errors import Pack2Error

log = logging.getLogger("pack2.cache")

CHANNEL: Final = "pack2"
EVERYTHING: Final = "*"
DELETE_PREFIX: Final = "delete:"
HEARTBEAT_SECONDS: Final = 0.5
TRUST_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 2.0
RECONNECT_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0)
PAYLOAD_BYTES: Final = 7000
TAG_BYTES: Final = 200

_LOST: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


class TagError(Pack2Error):
    """The tag {tag!r} is not one: write 1 to 200 bytes without line breaks, not `*` and not starting
    `delete:`.
    """


class Expirable(Protocol):
    """What a feed speaks to: the cache."""

    trusted_until: float

    def expire_here(self, tags: Iterable[str]) -> None: ...
    def forget(self, digest: str) -> None: ...
    def flush(self) -> None: ...


def check_tag(tag: str) -> str:
    if (
        not 0 < len(tag.encode()) <= TAG_BYTES
        or "\n" in tag
        or tag == EVERYTHING
        or tag.startswith(DELETE_PREFIX)
    ):
        raise TagError(tag=tag)
    return tag


def payloads(tags: Iterable[str]) -> Iterator[str]:
    """The messages that carry `tags`: lines, at most PAYLOAD_BYTES each (PostgreSQL's limit is 7,999)."""
    lines: list[str] = []
    size = 0
    for tag in dict.fromkeys(tags):
        length = len(tag.encode()) + 1
        if lines and size + length > PAYLOAD_BYTES:
            yield "\n".join(lines)
            lines, size = [], 0
        lines.append(tag)
        size += length
    if lines:
        yield "\n".join(lines)


class ChangeFeed:
    """Listens on its own connection to `database_url` (never through a pooler that shares sessions)."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._cache: Expirable
        self._connection: Any = None
        self._sending = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._proved = asyncio.Event()
        self._heartbeat_channel = f"pack2_{secrets.token_hex(8)}"
        self._sent = 0
        self._sent_at = 0.0
        self._arrived: asyncio.Future[None] | None = None
        self.flushes = 0
        self.messages = 0

    async def start(self, cache: Expirable) -> None:
        """Listen from now on; returns when the feed is proved, or after a while unproved: then it keeps
        trying.
        """
        self._cache = cache
        self._task = asyncio.create_task(self._run())
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._proved.wait()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def announce(self, tags: Sequence[str]) -> None:
        """Tell every process, this one too. While the connection is lost nobody trusts the feed: nothing to
        tell.
        """
        connection = self._connection
        if connection is None:
            return
        with suppress(*_LOST):
            for payload in payloads(tags):
                await self._notify(connection, CHANNEL, payload)

    async def _run(self) -> None:
        failures = 0
        while True:
            proved_before = self._sent
            try:
                await self._listen()
            except _LOST as error:
                self._cache.trusted_until = 0.0
                failures = 0 if self._sent > proved_before + 1 else failures + 1
                if failures <= 1:
                    log.warning(
                        "change feed lost (%s); the cache is bypassed until it is back", type(error).__name__
                    )
            await asyncio.sleep(RECONNECT_SECONDS[min(failures, len(RECONNECT_SECONDS) - 1)])

    async def _listen(self) -> None:
        connection = await asyncpg.connect(
            self._url, timeout=ANSWER_SECONDS, server_settings={"application_name": "pack2 change feed"}
        )
        try:
            connection.add_termination_listener(self._on_lost)
            await connection.add_listener(CHANNEL, self._on_message)
            await connection.add_listener(self._heartbeat_channel, self._on_heartbeat)
            self._cache.flush()
            self.flushes += 1
            self._connection = connection
            while True:
                await self._beat(connection)
                await asyncio.sleep(HEARTBEAT_SECONDS)
        finally:
            self._connection = None
            self._cache.trusted_until = 0.0
            connection.terminate()

    async def _beat(self, connection: Any) -> None:
        """One proof: what was committed before it was sent has arrived when it arrives."""
        self._sent += 1
        self._sent_at = monotonic()
        self._arrived = asyncio.get_running_loop().create_future()
        await self._notify(connection, self._heartbeat_channel, str(self._sent))
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._arrived

    async def _notify(self, connection: Any, channel: str, payload: str) -> None:
        async with self._sending:
            await connection.execute("SELECT pg_notify($1, $2)", channel, payload, timeout=ANSWER_SECONDS)

    def _on_heartbeat(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        if payload != str(self._sent) or self._arrived is None or self._arrived.done():
            return
        self._cache.trusted_until = self._sent_at + TRUST_SECONDS
        self._arrived.set_result(None)
        self._proved.set()

    def _on_message(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        self.messages += 1
        lines = payload.split("\n")
        if EVERYTHING in lines:
            self._cache.flush()
            return
        self._cache.expire_here(line for line in lines if not line.startswith(DELETE_PREFIX))
        for line in lines:
            if line.startswith(DELETE_PREFIX):
                self._cache.forget(line.removeprefix(DELETE_PREFIX))

    def _on_lost(self, _connection: Any) -> None:
        self._cache.trusted_until = 0.0
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_exception(ConnectionResetError())
            self._arrived.exception()
