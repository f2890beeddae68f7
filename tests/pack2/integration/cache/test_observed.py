"""What processes see of their routes reaches Redis, adds up there, and becomes advice."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from time import time
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from asgi_client import ask
from redis import Redis

from pack2.cache import Cache
from pack2.cache.observed import Observation, observations
from pack2.config import HttpPolicy
from pack2.http import CacheMiddleware, Identity
from pack2.http.configure import namespace_of
from pack2.loadtest.counters import tally

POLICIES = (
    HttpPolicy("/still", scope="public", ttl_seconds=0.05),
    HttpPolicy("/moving", scope="public", ttl_seconds=0.02, tags=("t",), refresh_ahead=False),
    HttpPolicy("/tagged", scope="public", ttl_seconds=60, tags=("t",), refresh_ahead=False),
)


class Process:
    """One process of an application with an answer that stays and one that never does."""

    def __init__(self, url: str, namespace: str) -> None:
        self.handled = 0
        self.cache = Cache(redis_url=url, namespace=namespace)
        self.http = CacheMiddleware(self, cache=self.cache, identify=nobody, policies=POLICIES)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.handled += 1
        body = b"still" if scope["path"] == "/still" else b"%d" % self.handled
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    async def loads(self, path: str, times: int) -> None:
        """Ask until it was loaded so often: the first time, and each time that its life was over."""
        until = self.handled + times
        while self.handled < until:
            await ask(self.http, path)
            await asyncio.sleep(0.005)


async def nobody(scope: Any) -> Identity | None:
    return None


@pytest.fixture(autouse=True)
def no_early_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each load is a reader's that waited: one ahead of the end of a life counts as a hit."""
    monkeypatch.setattr("pack2.cache.cache.EARLY_BETA", 0.0)


@pytest.fixture
def namespace() -> str:
    return uuid4().hex


@pytest.fixture
async def process(redis_url: str, namespace: str) -> AsyncIterator[Process]:
    process = Process(redis_url, namespace)
    async with process.cache:
        yield process


def sent(redis_url: str, namespace: str, now: float | None = None) -> dict[str, Observation]:
    with Redis.from_url(redis_url) as redis:
        return {seen.route: seen for seen in observations(redis, namespace, now)}


async def test_what_two_processes_saw_adds_up(redis_url: str, namespace: str, process: Process) -> None:
    """Sent now and then, and by a process that stops."""
    await process.loads("/moving", 5)
    await process.cache.observer.send()
    before = sent(redis_url, namespace)["/moving"]
    assert (before.reloads, before.changed, before.reads - before.hits) == (4, 4, 5)
    async with (other := Process(redis_url, namespace)).cache:
        await other.loads("/moving", 4)
    await process.cache.observer.send()
    after = sent(redis_url, namespace)["/moving"]
    assert (after.reloads - before.reloads, after.reads - after.hits) in ((3, 9), (4, 9))
    assert after.changed == after.reloads


async def test_a_time_that_passed_without_a_change_is_no_change(
    redis_url: str, namespace: str, process: Process
) -> None:
    """Reloads after the time-to-live give the same answer, the time-to-live apart or more."""
    begun = time()
    await process.loads("/still", 6)
    await process.cache.observer.send()
    found = sent(redis_url, namespace, begun + 100)["/still"]
    assert 100 <= found.seconds < 101
    assert (found.reloads, found.changed) == (5, 0)
    assert found.reload_seconds > 5 * 0.04
    assert found.hits > 0


async def test_what_a_tag_announced_is_not_counted(redis_url: str, namespace: str, process: Process) -> None:
    """The change feed dealt with it: the time-to-live has nothing to do with it."""
    for _ in range(4):
        await ask(process.http, "/tagged")
        await process.cache.expire("t")
    await process.cache.observer.send()
    found = sent(redis_url, namespace)["/tagged"]
    assert (found.reads, found.reloads) == (4, 0)


async def test_sending_counts_as_no_work_of_a_route(database: str, redis_url: str, process: Process) -> None:
    """It comes by the clock: a load test that counts Redis commands does not see it."""
    await process.loads("/tagged", 1)
    await asyncio.gather(*process.cache._tasks)
    with Redis.from_url(redis_url) as redis, psycopg.connect(database) as connection:
        before = tally(connection, redis).redis_commands
        await process.cache.observer.send()
        assert tally(connection, redis).redis_commands == before > 0


async def test_a_redis_that_is_away_loses_nothing(namespace: str) -> None:
    """What could not be sent is kept for the next time."""
    process = Process("redis://127.0.0.1:1/0", namespace)
    async with process.cache:
        for number in (1, 2):
            await process.loads("/moving", 3)
            await process.cache.observer.send()
            seen = process.cache.observer._seen
            assert seen["/moving\treads"] - seen["/moving\thits"] == 3 * number


async def test_the_command_recommends_by_it(database: str, redis_url: str, tmp_path: Path) -> None:
    """`pack2 recommend` names the route, what was measured, and the line for pack2.toml."""
    (tmp_path / "pack2.toml").write_text(
        '[cache]\nnamespace = "observed"\n'
        '[[http.policy]]\nroute = "/moving"\nscope = "public"\nttl_seconds = 3600\ntags = ["t"]\n'
    )
    async with (process := Process(redis_url, namespace_of("observed", database))).cache:
        await process.loads("/moving", 40)
    command = [Path(sys.executable).parent / "pack2", "recommend", "--json"]
    environment = {**os.environ, "DATABASE_URL": database, "REDIS_URL": redis_url}
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stderr
    (found,) = [one for one in json.loads(done.stdout) if one["command"].startswith("ttl_seconds")]
    assert (found["subject"], found["command"]) == ("/moving", "ttl_seconds = 1")
    assert found["evidence"].startswith("39 of 39 reloads, 0.0 s apart, had changed; ")
