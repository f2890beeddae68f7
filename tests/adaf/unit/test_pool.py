"""The pool's rules, with connections that only count: no server is needed to break them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf.pool import Pool


class Connection:
    def __init__(self) -> None:
        self.closed = False
        self.in_transaction = False

    def is_closed(self) -> bool:
        return self.closed

    def is_in_transaction(self) -> bool:
        return self.in_transaction

    def terminate(self) -> None:
        self.closed = True


class Server:
    """Opens connections, or refuses."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.refuses = False

    async def connect(self) -> Any:
        await asyncio.sleep(0)
        if self.refuses:
            raise ConnectionRefusedError
        self.connections.append(Connection())
        return self.connections[-1]

    @property
    def open(self) -> int:
        return sum(not connection.closed for connection in self.connections)


async def test_a_connection_is_used_again() -> None:
    """What was released is what the next one gets: one connection serves all who come one after another."""
    server = Server()
    pool = Pool(server.connect, 3)
    for _ in range(5):
        pool.release(await pool.acquire(1))
    assert len(server.connections) == 1


async def test_beyond_the_size_one_waits_and_gets_what_is_released() -> None:
    """A full pool makes the next one wait, first come first served."""
    server = Server()
    pool = Pool(server.connect, 1)
    held = await pool.acquire(1)
    waiting = [asyncio.ensure_future(pool.acquire(5)) for _ in range(2)]
    await asyncio.sleep(0)
    pool.release(held)
    assert await waiting[0] is held
    assert not waiting[1].done()
    pool.release(held)
    assert await waiting[1] is held


async def test_waiting_ends_in_time() -> None:
    """When none comes free in time, TimeoutError; the place in the queue is given up."""
    pool = Pool(Server().connect, 1)
    held = await pool.acquire(1)
    with pytest.raises(TimeoutError):
        await pool.acquire(0.01)
    pool.release(held)
    assert await pool.acquire(1) is held


async def test_a_dead_connection_is_replaced() -> None:
    """A connection that the server closed while it lay idle is never handed out."""
    server = Server()
    pool = Pool(server.connect, 1)
    held = await pool.acquire(1)
    pool.release(held)
    held.terminate()
    assert await pool.acquire(1) is not held


@pytest.mark.parametrize("fault", ["unsound", "in_transaction", "closed"])
async def test_a_doubtful_connection_is_closed_and_leaves_room(fault: str) -> None:
    """A connection cut off in a statement, left in a transaction, or lost is closed; waiters get new ones."""
    server = Server()
    pool = Pool(server.connect, 1)
    held: Any = await pool.acquire(1)
    waiting = asyncio.ensure_future(pool.acquire(5))
    await asyncio.sleep(0)
    held.in_transaction, held.closed = fault == "in_transaction", fault == "closed"
    pool.release(held, sound=fault != "unsound")
    assert await waiting is not held
    assert held.closed
    assert server.open == 1


async def test_a_refused_connection_frees_its_place() -> None:
    """When the server refuses, the error is told and the next attempt may try again, a waiter's too."""
    server = Server()
    pool = Pool(server.connect, 1)
    server.refuses = True
    attempts = [asyncio.ensure_future(pool.acquire(5)) for _ in range(2)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert [type(result) for result in results] == [ConnectionRefusedError] * 2
    server.refuses = False
    assert await pool.acquire(1)


async def test_a_waiter_who_leaves_passes_the_connection_on() -> None:
    """A connection handed to a task in the moment of its cancellation is not lost."""
    server = Server()
    pool = Pool(server.connect, 1)
    held = await pool.acquire(1)
    waiting = asyncio.ensure_future(pool.acquire(5))
    await asyncio.sleep(0)
    pool.release(held)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await pool.acquire(0.1) is held


async def test_closing_ends_the_idle_ones() -> None:
    """After close nothing idle stays open."""
    server = Server()
    pool = Pool(server.connect, 2)
    held = [await pool.acquire(1), await pool.acquire(1)]
    for connection in held:
        pool.release(connection)
    pool.close()
    assert server.open == 0


@settings(deadline=None)
@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), min_size=1, max_size=25),
)
def test_never_more_than_its_size_and_never_stuck(size: int, jobs: list[tuple[int, bool, bool]]) -> None:
    """Whatever is cancelled or breaks, at most `size` are open, and afterwards all of them can be had."""

    async def run() -> None:
        server = Server()
        pool = Pool(server.connect, size)

        async def work(pauses: int, sound: bool) -> None:
            connection = await pool.acquire(5)
            try:
                for _ in range(pauses):
                    await asyncio.sleep(0)
                    assert server.open <= size
            finally:
                pool.release(connection, sound=sound)

        tasks = []
        for pauses, sound, cancel in jobs:
            tasks.append(asyncio.ensure_future(work(pauses, sound)))
            await asyncio.sleep(0)
            if cancel:
                tasks[len(tasks) // 2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        everything = [await pool.acquire(0.5) for _ in range(size)]
        assert len(set(map(id, everything))) == size
        assert server.open == size

    asyncio.run(run())
