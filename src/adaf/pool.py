"""A bounded pool of asyncpg connections for statements that leave no state behind.

asyncpg's own pool wraps every connection in a proxy, shields every release in a task and resets the session
by one more round trip: 40 µs of CPU a statement (`bench/request_cost.py`). Here a release is a list append.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg


class Pool:
    """At most `size` connections, opened when needed; the most recently used one is handed out first."""

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]], size: int) -> None:
        self._connect = connect
        self._size = size
        self._open = 0
        self._idle: list[asyncpg.Connection] = []
        self._waiting: deque[asyncio.Future[Any]] = deque()

    async def acquire(self, timeout_seconds: float) -> asyncpg.Connection:
        """A connection for the caller alone. Raises TimeoutError when none comes free in time."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._open -= 1
        async with asyncio.timeout(timeout_seconds):
            while self._open >= self._size:
                if (connection := await self._wait()) is not None:
                    return connection
            return await self._open_one()

    def release(self, connection: asyncpg.Connection, *, sound: bool = True) -> None:
        """Take `connection` back; one that is not `sound` (cut off within a statement) is closed."""
        if sound and not connection.is_closed() and not connection.is_in_transaction():
            if not self._hand_over(connection):
                self._idle.append(connection)
            return
        connection.terminate()
        self._open -= 1
        self._hand_over(None)

    def close(self) -> None:
        """Close the idle connections at once."""
        for connection in self._idle:
            connection.terminate()
        self._open -= len(self._idle)
        self._idle.clear()

    async def _open_one(self) -> asyncpg.Connection:
        self._open += 1
        try:
            return await self._connect()
        except BaseException:
            self._open -= 1
            self._hand_over(None)
            raise

    async def _wait(self) -> asyncpg.Connection | None:
        """A connection that somebody released, or None: there is room for another one."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._pass_on(future.result())
            raise

    def _pass_on(self, given: asyncpg.Connection | None) -> None:
        if given is None:
            self._hand_over(None)
        else:
            self.release(given)

    def _hand_over(self, connection: asyncpg.Connection | None) -> bool:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(connection)
                return True
        return False
