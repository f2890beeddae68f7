"""Refresh-ahead: what was read and expires is loaded again before its next reader comes, and no more."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgi_client import Reply, ask, until

from pack2.cache import Cache, refresher
from pack2.config import HttpPolicy
from pack2.http import IDENTITY_KEY, CacheMiddleware, Identity

POLICIES = (
    HttpPolicy("/private", scope="private", ttl_seconds=60, tags=("user:{identity}", "t")),
    HttpPolicy("/shared", scope="shared", ttl_seconds=60, tags=("t",)),
    HttpPolicy("/public", scope="public", ttl_seconds=60, tags=("t",)),
    HttpPolicy("/item/{number}", scope="shared", ttl_seconds=60, tags=("t",)),
    HttpPolicy("/costly", scope="shared", ttl_seconds=60, tags=("t",), refresh_ahead=False),
    HttpPolicy("/write", methods=("POST",), expires=("t",)),
)


class Site:
    """Answers with a number that a test may raise; keeps what reached it."""

    def __init__(self) -> None:
        self.value = 0
        self.asked: list[str] = []
        self.scopes: list[Any] = []
        self.signed_out: set[str] = set()
        self.gate = asyncio.Event()
        self.gate.set()
        self.status = 200
        self.error: Exception | None = None
        self.cache = Cache()
        self.http = CacheMiddleware(
            self, cache=self.cache, identify=self.identify, policies=POLICIES, session_cookie="sid"
        )

    async def identify(self, scope: Any) -> Identity | None:
        token = dict(scope["headers"])[b"authorization"].decode().removeprefix("Bearer ")
        if token in self.signed_out:
            return None
        return Identity(token, frozenset(), f"session:{token}", time.time() + 3600)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope["path"])
        self.scopes.append(scope)
        value = self.value
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        identity = scope.get(IDENTITY_KEY)
        body = json.dumps({"user": identity and identity.user_id, "value": value}).encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def get(self, path: str, user: str | None = "7") -> Reply:
        return await ask(self.http, path, user)

    async def change(self, *tags: str) -> None:
        self.value += 1
        self.cache.expire_here(tags or ("t",))

    async def settled(self, outcome: str = "refreshed", count: int = 1) -> None:
        await until(lambda: self.counts[outcome] >= count)

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.cache.statistics()["refresh_ahead"])


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setattr(refresher, "KEY_SECONDS", 0.0)
    made = Site()
    async with made.cache:
        yield made


@pytest.mark.parametrize("path", ["/private", "/shared", "/public"])
async def test_the_reader_after_a_write_finds_the_new_answer_ready(site: Site, path: str) -> None:
    """A hit, with what was written."""
    await site.get(path)
    await site.change()
    await site.settled()
    reply = await site.get(path)
    assert reply.is_hit
    assert reply.json["value"] == 1
    assert site.asked == [path, path]


async def test_an_answer_that_nobody_reads_is_refreshed_twice(site: Site) -> None:
    """A third expiry without a reader between leaves it alone; the next reader loads it and begins anew."""
    await site.get("/shared")
    for number in (1, 2):
        await site.change()
        await site.settled(count=number)
    await site.change()
    await site.settled("unread")
    reply = await site.get("/shared")
    assert not reply.is_hit
    assert reply.json["value"] == 3
    assert len(site.asked) == 4
    await site.change()
    await site.settled(count=3)


async def test_what_many_read_is_refreshed_longer(site: Site) -> None:
    """Eight readers of one life are worth five refreshes that nobody reads."""
    for _ in range(8):
        await site.get("/shared")
    for number in range(1, 6):
        await site.change()
        await site.settled(count=number)
    await site.change()
    await site.settled("unread")
    assert site.counts["refreshed"] == 5


async def test_a_reader_in_time_keeps_an_answer_in_the_round(site: Site) -> None:
    """Reads after every second refresh are enough."""
    await site.get("/shared")
    for number in (2, 4, 6):
        for one in (1, 0):
            await site.change()
            await site.settled(count=number - one)
        assert (await site.get("/shared")).is_hit
    assert site.counts["unread"] == 0


async def test_a_read_answer_is_refreshed_each_time(site: Site) -> None:
    """As long as somebody reads it between two expiries."""
    await site.get("/shared")
    for number in (1, 2, 3):
        await site.change()
        await site.settled(count=number)
        assert (await site.get("/shared")).is_hit


async def test_a_policy_may_switch_it_off(site: Site) -> None:
    """What costs more than its readers save is loaded when it is asked for."""
    await site.get("/costly")
    await site.get("/shared")
    await site.change()
    await site.settled()
    assert site.asked == ["/costly", "/shared", "/shared"]


async def test_only_what_the_tag_expired_is_loaded(site: Site) -> None:
    """A write of one user leaves the others' answers as they are."""
    await site.get("/private", "7")
    await site.get("/private", "8")
    await site.change("user:8")
    await site.settled()
    assert (await site.get("/private", "8")).json == {"user": "8", "value": 1}
    assert (await site.get("/private", "7")).json == {"user": "7", "value": 0}
    assert len(site.asked) == 3


async def test_nothing_is_loaded_for_who_signed_out(site: Site) -> None:
    """The session's tag expires with it, so the identity is not known any more: no load, no entry."""
    await site.get("/private")
    site.signed_out.add("7")
    await site.change("t", "session:7")
    await site.settled("refused")
    assert site.asked == ["/private"]


async def test_the_application_is_asked_as_the_same_user_with_a_scope_of_its_own(site: Site) -> None:
    """What a framework wrote into the first scope is not in the second."""
    await site.get("/private", "8")
    site.scopes[0]["poison"] = True
    await site.change()
    await site.settled()
    first, second = site.scopes
    assert second[IDENTITY_KEY] == first[IDENTITY_KEY]
    assert "poison" not in second


async def test_a_reader_does_not_wait_for_the_queue(site: Site) -> None:
    """Who asks for a queued answer starts its load at once; the queue then finds it done."""
    for number in range(30):
        await site.get(f"/item/{number}")
    site.gate.clear()
    await site.change()
    asking = asyncio.create_task(site.get("/item/29"))
    await until(lambda: "/item/29" in site.asked[30:])
    assert len(site.asked[30:]) <= 1 + refresher.AT_ONCE
    site.gate.set()
    assert (await asking).json["value"] == 1
    await site.settled(count=29)
    assert site.asked[30:].count("/item/29") == 1


async def test_what_is_read_most_is_refreshed_first(site: Site) -> None:
    """Whatever was asked for first: what many read comes before what one read."""
    paths = [f"/item/{number}" for number in range(60)]
    for path in [*paths, *3 * paths[50:]]:
        await site.get(path)
    await site.get("/private")
    await site.get("/private")
    before = len(site.asked)
    await site.change()
    await site.settled(count=61)
    order = site.asked[before:]
    assert set(order[:10]) == set(paths[50:])
    assert order[10] == "/private"


async def test_a_reader_joins_the_refresh_that_is_under_way(site: Site) -> None:
    """One load for both."""
    await site.get("/shared")
    site.gate.clear()
    await site.change()
    await until(lambda: len(site.asked) == 2)
    asking = asyncio.create_task(site.get("/shared"))
    await asyncio.sleep(0)
    site.gate.set()
    reply = await asking
    assert "collapsed" in reply.cache_status
    assert reply.json["value"] == 1
    assert len(site.asked) == 2


async def test_an_expiry_during_the_refresh_discards_it_and_it_is_repeated(site: Site) -> None:
    """What was read before the second write is never stored."""
    await site.get("/shared")
    site.gate.clear()
    await site.change()
    await until(lambda: len(site.asked) == 2)
    await site.change()
    site.gate.set()
    await site.settled()
    assert site.counts["overtaken"] == 1
    reply = await site.get("/shared")
    assert reply.is_hit
    assert reply.json["value"] == 2


async def test_a_storm_of_writes_refreshes_at_most_once_a_second(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rate of loads is bounded by time, not by the rate of writes."""
    monkeypatch.setattr(refresher, "KEY_SECONDS", 60.0)
    await site.get("/shared")
    for number in range(1, 6):
        await site.change()
        await site.settled() if number == 1 else await site.settled("too_soon", number - 1)
        await site.get("/shared")
    assert site.counts["refreshed"] == 1
    assert len(site.asked) == 1 + 1 + 4


async def test_a_failing_application_is_not_asked_again_and_again(site: Site) -> None:
    """One attempt an expiry; the error reaches nobody."""
    await site.get("/shared")
    site.error = RuntimeError("broken")
    await site.change()
    await site.settled("failed")
    await asyncio.sleep(3 * refresher.SETTLE_SECONDS)  # that nothing comes is the point
    assert len(site.asked) == 2


async def test_an_answer_that_may_not_be_stored_is_dropped(site: Site) -> None:
    """A status that the policy does not store ends the refresh; the next reader is answered by the
    application."""
    await site.get("/shared")
    site.status = 500
    await site.change()
    await site.settled("refused")
    assert (await site.get("/shared")).status == 500


async def test_expiring_everything_refreshes_nothing(site: Site) -> None:
    """After a gap in the feed the readers decide what is needed: no stampede."""
    for number in range(20):
        await site.get(f"/item/{number}")
    site.cache.flush()
    await asyncio.sleep(3 * refresher.SETTLE_SECONDS)  # that nothing comes is the point
    assert len(site.asked) == 20


async def test_an_unproved_feed_stops_it(site: Site) -> None:
    """While expiries may not arrive, nothing is loaded ahead."""
    await site.get("/shared")
    site.cache.trusted_until = 0.0
    await site.change()
    await asyncio.sleep(3 * refresher.SETTLE_SECONDS)  # that nothing comes is the point
    assert len(site.asked) == 1


async def test_the_queue_is_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit is left to its readers."""
    monkeypatch.setattr(refresher, "MOST_QUEUED", 5)
    for number in range(12):
        await site.get(f"/item/{number}")
    await site.change()
    await site.settled(count=5)
    assert site.counts["queue_full"] == 7


async def test_an_evicted_entry_is_forgotten_by_its_tags(site: Site) -> None:
    """Neither keys nor requests of entries that left are kept."""
    await site.get("/shared")
    (entry,) = [site.cache.memory.peek(key) for key in list(site.cache.memory._entries)]
    assert entry is not None
    tag = entry.marks[1][0]
    assert tag.keys == {entry.key}
    site.cache.memory.delete(entry.key)
    assert (tag.keys, entry.again) == (set(), None)


async def test_what_a_framework_keeps_in_the_state_is_not_shared(site: Site) -> None:
    """Frameworks write into `scope["state"]`: each load has a copy of what the server gave."""
    kept = {"from": "lifespan"}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["state"] == kept
        scope["state"]["request"] = "mine"
        await site(scope, receive, send)

    site.http._app = app

    async def asked_by_a_server(scope: Any, receive: Any, send: Any) -> None:
        await site.http({**scope, "state": dict(kept)}, receive, send)

    await ask(asked_by_a_server, "/shared", "7")
    await site.change()
    await site.settled()
    assert site.scopes[0]["state"] is not site.scopes[1]["state"]


async def test_stopping_ends_what_is_under_way(site: Site) -> None:
    """Nothing of it is left running when the cache has stopped."""
    await site.get("/shared")
    site.gate.clear()
    await site.change()
    await until(lambda: len(site.asked) == 2)
    await site.cache.stop()
    assert not site.cache.refresher._running
