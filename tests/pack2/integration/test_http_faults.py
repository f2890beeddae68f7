"""Servers that die and processes that stop, under load: nothing old, nobody else's, and back in use soon."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from time import monotonic

import httpx
import psutil
import pytest
from asgi_client import ask, until
from notebook import World, world
from oracle import Fuzz

from pack2.services import Services, services
from pack2.services.ports import free_port
from pack2.services.postgres import running_postgres
from pack2.services.processes import spawn
from pack2.services.valkey import running_valkey, start_valkey

pytestmark = pytest.mark.deep
USERS = 10
PAUSE_SECONDS = 10


@pytest.fixture
def patient_feed() -> None:
    """None: here the feed has the patience that it has in use."""


@pytest.fixture
def own() -> Iterator[Services]:
    """Servers that this test may kill."""
    with tempfile.TemporaryDirectory(prefix="p2-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        with services(folder / "state", database_url=None, redis_url=None, durable=False) as found:
            yield found


def kill(process: psutil.Process | None) -> None:
    assert process is not None
    process.kill()
    process.wait(10)


async def test_redis_killed_and_restarted_under_load(own: Services) -> None:
    """Five times: every answer stays right, and Redis is in use again within two seconds of its return."""
    async with world(own.postgres.create_database("w"), own.redis.url, users=USERS, workers=2) as made:
        run = Fuzz(made, users=USERS, seed=1)
        load = asyncio.create_task(run.run(24_000, clients=20))
        for _ in range(5):
            await asyncio.sleep(1)
            await asyncio.to_thread(kill, running_valkey(own.state))
            await asyncio.sleep(1)
            await asyncio.to_thread(start_valkey, own.state)
            back_at = monotonic()
            tiers = [worker.cache.redis for worker in made.workers]
            await until(
                lambda tiers=tiers: not any(t.unsettled or not t.breaker.is_closed for t in tiers), 10
            )
            assert monotonic() - back_at < 2
        await load
    assert run.violations == []


async def test_redis_that_hangs_under_load(own: Services) -> None:
    """A stopped Redis costs a few time-outs; answers stay right, and it is used again when it goes on."""
    async with world(own.postgres.create_database("w"), own.redis.url, users=USERS, workers=2) as made:
        run = Fuzz(made, users=USERS, seed=2)
        redis = running_valkey(own.state)
        assert redis is not None
        load = asyncio.create_task(run.run(12_000, clients=20))
        try:
            for _ in range(3):
                await asyncio.sleep(1)
                redis.suspend()
                await asyncio.sleep(2)
                redis.resume()
        finally:
            redis.resume()
        await load
        redis_tiers = [worker.cache.redis for worker in made.workers]
        await until(lambda: not any(tier.unsettled for tier in redis_tiers), 5)
    assert [one for one in run.violations if "another worker" not in one] == []


async def test_a_flushed_redis_under_load(own: Services) -> None:
    """FLUSHDB in the middle of loads and writes loses time, not truth."""
    async with world(own.postgres.create_database("w"), own.redis.url, users=USERS, workers=2) as made:
        run = Fuzz(made, users=USERS, seed=3)
        load = asyncio.create_task(run.run(12_000, clients=20))
        while not load.done():
            await asyncio.sleep(0.1)
            await made.workers[0].cache.redis._redis.flushdb()
        await load
    assert run.violations == []


async def test_postgresql_restarted(own: Services) -> None:
    """Writes that nobody heard of are seen at the first answer from the cache after it."""
    database = own.postgres.create_database("w")
    async with world(database, own.redis.url, workers=2) as made:
        token = await made.sign_in(1)
        for version in range(1, 4):
            for worker in made.workers:
                await ask(worker, "/notes/10", token)
            await restart_postgresql(own)
            await rewrite(made, version)
            for worker in made.workers:
                await until(worker.cache.is_trusted, 20)
                reply = await ask(worker, "/notes/10", token)
                assert reply.json["version"] == version
                assert (await ask(worker, "/notes/10", token)).is_hit


async def restart_postgresql(own: Services) -> None:
    process = running_postgres(own.state)
    assert process is not None
    command = process.cmdline()
    process.send_signal(signal.SIGINT)
    await asyncio.to_thread(process.wait, 20)
    spawn(command, account=own.state.account, log=own.state.log("postgres"), cwd=own.state.postgres)


async def rewrite(made: World, version: int) -> None:
    """Commit as soon as the server takes connections: before any feed can listen again."""
    for _ in range(400):
        try:
            await made.write("UPDATE notes SET version = $1 WHERE id = 10", version)
        except Exception:
            await asyncio.sleep(0.05)
        else:
            return
    raise AssertionError("PostgreSQL did not come back")


@pytest.fixture
async def process(
    database: str, redis_url: str
) -> AsyncIterator[tuple[World, httpx.AsyncClient, subprocess.Popen[bytes]]]:
    """A worker in a process of its own, over HTTP."""
    async with world(database, redis_url, workers=1) as made:
        port = free_port()
        script = Path(__file__).parents[1] / "notebook_server.py"
        arguments = [sys.executable, str(script), str(port), database, redis_url]
        child = subprocess.Popen(arguments)  # noqa: ASYNC220 - it only forks
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                await answering(client)
                yield made, client, child
        finally:
            os.kill(child.pid, signal.SIGCONT)
            child.terminate()
            child.wait(10)


async def answering(client: httpx.AsyncClient) -> None:
    for _ in range(200):
        try:
            await client.get("/board")
        except httpx.TransportError:
            await asyncio.sleep(0.05)
        else:
            return
    raise AssertionError("the worker did not start")


async def test_a_worker_that_was_stopped_serves_nothing_from_before(
    process: tuple[World, httpx.AsyncClient, subprocess.Popen[bytes]],
) -> None:
    """SIGSTOP for ten seconds: the first answer after it shows what was written meanwhile, and sign-outs
    hold.
    """
    made, client, child = process
    tokens = [await made.sign_in(user) for user in (1, 2)]
    mine, leaving = ({"authorization": f"Bearer {token}"} for token in tokens)
    for headers, path in ((mine, "/notes/10"), (leaving, "/notes/20")):
        await client.get(path, headers=headers)
        assert "; hit" in (await client.get(path, headers=headers)).headers["cache-status"]
    os.kill(child.pid, signal.SIGSTOP)
    await made.write("UPDATE notes SET version = 77 WHERE id = 10")
    await ask(made.workers[0], "/sign-out", tokens[1], method="POST")
    await asyncio.sleep(PAUSE_SECONDS)
    os.kill(child.pid, signal.SIGCONT)
    first, second = await asyncio.gather(
        client.get("/notes/10", headers=mine), client.get("/notes/20", headers=leaving)
    )
    assert (first.json()["version"], second.status_code) == (77, 401)
    async with asyncio.timeout(5):
        while "; hit" not in (await client.get("/notes/10", headers=mine)).headers["cache-status"]:
            pass


async def test_a_killed_worker_does_not_hold_up_the_others(
    process: tuple[World, httpx.AsyncClient, subprocess.Popen[bytes]],
) -> None:
    """Its leases end by themselves."""
    made, client, child = process
    token = await made.sign_in(1)
    headers = {"authorization": f"Bearer {token}"}
    for number in range(20):
        await made.write("UPDATE notes SET version = $1 WHERE id = 10", number)
        asking = asyncio.create_task(client.get("/notes/10", headers=headers))
        await asyncio.sleep(0.001 * number)
        if number == 19:
            child.kill()
        await asyncio.gather(asking, return_exceptions=True)
    started = monotonic()
    assert (await ask(made.workers[0], "/notes/10", token)).json["version"] == 19
    assert monotonic() - started < 2
