"""The cache against a model, with every interleaving of loads, writes and messages that hypothesis finds.

A write commits at one moment, its message arrives at a later one, as over LISTEN. The rule: a value that is
asked for after a message arrived is never older than that message.
"""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pack2.cache import Cache

KEYS = st.integers(0, 2)


class Source:
    """What the loaders read: versions by key. A load reads at once and lands when it is let go."""

    def __init__(self) -> None:
        self.versions = [0, 0, 0]
        self.waiting: list[asyncio.Event] = []

    async def load(self, key: int) -> int:
        read = self.versions[key]
        gate = asyncio.Event()
        self.waiting.append(gate)
        await gate.wait()
        return read


class CacheModel(RuleBasedStateMachine):
    """`arrived[key]` is the version of the last message that arrived: nothing older may be given any more."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.cache = Cache(memory_bytes=3000)
        self.source = Source()
        self.arrived = [0, 0, 0]
        self.on_the_way: list[tuple[int, int]] = []
        self.asked: list[tuple[asyncio.Task[int], int, int]] = []

    def teardown(self) -> None:
        for task, _, _ in self.asked:
            task.cancel()
        self.loop.run_until_complete(self.cache.stop())
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    @rule(key=KEYS)
    def ask(self, key: int) -> None:
        async def get() -> int:
            load = lambda: self.source.load(key)  # noqa: E731
            return await self.cache.get(f"k{key}", load, type=int, ttl_seconds=60, tags=(f"t{key}",))

        self.asked.append((self.loop.create_task(get()), key, self.arrived[key]))
        self.turn()

    @rule(key=KEYS)
    def commit(self, key: int) -> None:
        self.source.versions[key] += 1
        self.on_the_way.append((key, self.source.versions[key]))

    @precondition(lambda self: self.on_the_way)
    @rule()
    def message_arrives(self) -> None:
        key, version = self.on_the_way.pop(0)
        self.cache.expire_here([f"t{key}"])
        self.arrived[key] = max(self.arrived[key], version)

    @precondition(lambda self: self.on_the_way)
    @rule()
    def the_feed_is_lost_and_back(self) -> None:
        self.on_the_way.clear()
        self.cache.flush()
        self.arrived = list(self.source.versions)

    @rule(key=KEYS)
    def delete(self, key: int) -> None:
        self.loop.run_until_complete(self.cache.delete(f"k{key}", type=int))
        self.arrived[key] = self.source.versions[key]

    @precondition(lambda self: self.source.waiting)
    @rule(data=st.data())
    def a_load_lands(self, data: Any) -> None:
        index = data.draw(st.integers(0, len(self.source.waiting) - 1))
        self.source.waiting.pop(index).set()
        self.turn()

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def a_client_leaves(self, data: Any) -> None:
        index = data.draw(st.integers(0, len(self.asked) - 1))
        self.asked.pop(index)[0].cancel()
        self.turn()

    @invariant()
    def nothing_older_than_the_last_message_is_given(self) -> None:
        for task, key, least in [entry for entry in self.asked if entry[0].done()]:
            assert task.result() >= least, (
                f"k{key}: {task.result()} after a message about {least} had arrived"
            )
        self.asked = [entry for entry in self.asked if not entry[0].done()]

    def turn(self) -> None:
        """Let every task go as far as it can."""

        async def some_rounds() -> None:
            for _ in range(8):
                await asyncio.sleep(0)

        self.loop.run_until_complete(some_rounds())


CacheModel.TestCase.settings = settings(stateful_step_count=40)
TestCacheModel = CacheModel.TestCase
