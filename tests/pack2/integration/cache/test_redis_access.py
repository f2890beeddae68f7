"""A Redis of one's own: the documented account is enough for it, and what is sensitive is sealed in it."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
import redis
from asgi_client import ask
from process_memory import memory_of
from redis.backoff import NoBackoff
from redis.retry import Retry

from pack2.cache import Cache
from pack2.cache.purge import purge_expired, status
from pack2.cache.sealing import Sealer
from pack2.config import HttpPolicy
from pack2.http import CacheMiddleware, Identity
from pack2.services.binaries import find_valkey
from pack2.tuning.servers import of_redis

PAGE = Path(__file__).parents[4] / "docs/cache.md"
SEALED, PLAIN = (f"planted-{uuid4().hex}".encode() for _ in range(2))
POLICIES = (
    HttpPolicy("/sealed", scope="private", ttl_seconds=60, sensitive=True, tags=("t",), refresh_ahead=False),
    HttpPolicy("/plain", scope="private", ttl_seconds=60, tags=("t",), refresh_ahead=False),
)


class Own:
    """A Valkey as its operator sees it: `admin` may everything, `url` is the application's."""

    def __init__(self, folder: Path, process: psutil.Popen, rights: str) -> None:
        self.folder, self.process = folder, process
        self.socket = folder / "v.sock"
        self.admin = redis.Redis(unix_socket_path=str(self.socket), username="admin", password="all of it")
        deadline = time.monotonic() + 20
        while not self._answers():
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
        name, *rules = rights.replace("PASSWORD", "its own").split("|||")
        self.admin.execute_command("ACL", "SETUSER", name, *rules)
        self.url = f"unix://{name}:its%20own@{self.socket}"

    def _answers(self) -> bool:
        try:
            return bool(self.admin.ping())
        except redis.ConnectionError:
            time.sleep(0.02)
            return False


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    folder = tmp_path_factory.mktemp("v")
    (setuser,) = re.findall(r"^ACL SETUSER (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = [
        "port 0",
        f'unixsocket "{folder}/v.sock"',
        f'dir "{folder}"',
        "rdbcompression no",
        'save ""',
        "user default off",
        'user admin on ">all of it" ~* &* +@all',
    ]
    (folder / "v.conf").write_text("\n".join(lines))
    with (folder / "log").open("wb") as log:
        process = psutil.Popen(
            [find_valkey(), folder / "v.conf"], stdout=log, stderr=subprocess.STDOUT, cwd=folder
        )
    try:
        yield Own(folder, process, setuser.replace(" ", "|||"))
    finally:
        process.kill()
        process.wait()


async def identify(scope: Any) -> Identity | None:
    return Identity("7", frozenset(), "session:7", time.time() + 3600)


def application(url: str, key: bytes) -> CacheMiddleware:
    async def answers(scope: Any, receive: Any, send: Any) -> None:
        body = SEALED if scope["path"] == "/sealed" else PLAIN
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    cache = Cache(redis_url=url, namespace="adaf:1")
    sealer = Sealer.from_text(base64.b64encode(key).decode())
    return CacheMiddleware(answers, cache=cache, identify=identify, policies=POLICIES, sealer=sealer)


async def test_the_documented_account_is_enough(own: Own) -> None:
    """Two processes share their answers, tags expire, a purge frees: no command of theirs is refused."""
    own.admin.acl_log_reset()
    key = os.urandom(32)
    first, second = application(own.url, key), application(own.url, key)
    async with first.cache, second.cache:
        await ask(first, "/sealed", "x")
        assert "detail=redis" in (await ask(second, "/sealed", "x")).cache_status
        await first.cache.expire("t")
        assert not (await ask(first, "/sealed", "x")).is_hit
        await first.cache.expire("t")
    with redis.Redis.from_url(own.url) as client:
        assert status(client, "adaf:1").expired == 1
        assert purge_expired(client, "adaf:1").deleted == 1
        assert own.admin.acl_log() == []
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.get("another:1")
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.flushdb()


async def test_what_is_sensitive_is_in_no_dump(own: Own) -> None:
    """Neither in what the server writes to disk nor in its memory; what is not sensitive is in both."""
    site = application(own.url, os.urandom(32))
    async with site.cache:
        for path in ("/sealed", "/plain"):
            assert (await ask(site, path, "x")).body in (SEALED, PLAIN)
            assert (await ask(site, path, "x")).is_hit
        own.admin.save()
        dump, memory = (own.folder / "dump.rdb").read_bytes(), memory_of(own.process.pid)
    assert (PLAIN in dump, PLAIN in memory) == (True, True)
    assert (SEALED in dump, SEALED in memory) == (False, False)


def test_a_stranger_is_refused_and_a_server_that_lets_them_in_is_told(own: Own) -> None:
    """`pack2 recommend` names a Redis that answers without a password."""
    once = Retry(NoBackoff(), 0)
    stranger = redis.Redis(unix_socket_path=str(own.socket), retry=once)
    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    assert [one for one in of_redis(own.url) if one.subject == "access"] == []
    own.admin.execute_command("ACL", "SETUSER", "default", "on", "nopass", "+ping")
    try:
        (found,) = [one for one in of_redis(own.url) if one.subject == "access"]
    finally:
        own.admin.execute_command("ACL", "SETUSER", "default", "off")
    assert found.evidence == "it answers without a password"
