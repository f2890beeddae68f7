"""The middleware before an application of a few lines, with the memory tier alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgi_client import ask, until
from cache_site import Site

from pack2.http import IDENTITY_KEY


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    async with made.cache:
        yield made


async def test_the_second_request_is_a_hit(site: Site) -> None:
    """Equal bytes, no handler, and the headers of RFC 9211 and RFC 9111 §5.1."""
    first, second = await site.get("/private"), await site.get("/private")
    assert (first.body, site.handled) == (second.body, 1)
    assert (
        first.cache_status == "pack2; fwd=uri-miss; stored; ttl=60"
        or "; stored; ttl=59" in first.cache_status
    )
    assert second.cache_status.startswith("pack2; hit; ttl=")
    assert second.headers["age"] == "0"


async def test_users_have_entries_of_their_own(site: Site) -> None:
    """Nobody is ever given another's."""
    for user in ("7", "8", "7", "8"):
        assert (await site.get("/private", user)).json["user"] == user
    assert site.handled == 2


async def test_shared_answers_are_one_for_all_who_are_signed_in(site: Site) -> None:
    """And for nobody else."""
    assert (await site.get("/shared", "7")).body == (await site.get("/shared", "8")).body
    visitor = await site.get("/shared", None)
    assert visitor.cache_status == "pack2; fwd=bypass; detail=anonymous"
    assert site.handled == 2


@pytest.mark.parametrize("path", ["/private", "/shared"])
async def test_without_a_good_credential_the_application_answers(site: Site, path: str) -> None:
    """It says 401 as it likes; nothing is stored, and no 304 tells that something is."""
    tag = (await site.get(path)).headers["etag"]
    for user in (None, "nobody"):
        site.status = 401
        reply = await site.get(path, user, headers=[("if-none-match", tag)])
        assert (reply.status, site.scopes[-1][IDENTITY_KEY]) == (401, None)
    site.status = 200
    assert (await site.get(path)).is_hit


async def test_304_comes_to_who_may_read_and_has_it(site: Site) -> None:
    """After the identity, by weak comparison, with the headers of RFC 9110 §15.4.5 and no body."""
    first = await site.get("/private")
    again = await site.get("/private", headers=[("if-none-match", f'"x", {first.headers["etag"]}')])
    assert (again.status, again.body) == (304, b"")
    assert {"etag", "vary", "cache-control", "age", "cache-status"} <= again.headers.keys()
    assert "content-length" not in again.headers


async def test_a_miss_keeps_the_applications_server_timing_and_a_hit_has_none(site: Site) -> None:
    """The database's time of a hit is nothing."""
    first, second = await site.get("/private"), await site.get("/private")
    assert first.headers["server-timing"].startswith("db;dur=5, cache;desc=miss;dur=")
    assert second.headers["server-timing"].startswith("cache;desc=hit;dur=")


async def test_head_is_answered_from_the_entry_of_get(site: Site) -> None:
    """The same headers without the body; without an entry the application answers."""
    assert (await site.get("/private", method="HEAD")).cache_status == "pack2; fwd=bypass; detail=head"
    whole = await site.get("/private")
    head = await site.get("/private", method="HEAD")
    assert (head.is_hit, head.body, site.handled) == (True, b"", 2)
    assert head.headers["content-length"] == whole.headers["content-length"]


@pytest.mark.parametrize(
    ("status", "headers", "detail"),
    [
        (404, [], "status"),
        (200, [(b"Set-Cookie", b"a=1")], "set-cookie"),
        (200, [(b"Cache-Control", b"no-store")], "no-store"),
        (200, [(b"Vary", b"User-Agent")], "vary"),
    ],
)
async def test_what_may_not_be_stored_is_passed_on_untouched(
    site: Site, status: int, headers: list[tuple[bytes, bytes]], detail: str
) -> None:
    """With its own headers and the reason."""
    site.status, site.headers = status, headers
    for _ in range(2):
        reply = await site.get("/private")
        assert (reply.status, reply.cache_status) == (status, f"pack2; fwd=uri-miss; detail={detail}")
        assert all(reply.headers[name.decode().lower()] == value.decode() for name, value in headers)
        assert "db;dur=5" in reply.headers["server-timing"]
    assert site.handled == 2


async def test_an_answer_above_the_bound_streams_through(site: Site) -> None:
    """Whole and in order, not stored."""
    site.chunks = [bytes([65 + number]) * 3000 for number in range(20)]
    for _ in range(2):
        reply = await site.get("/private")
        assert reply.body == b"".join(site.chunks)
        assert reply.cache_status == "pack2; fwd=uri-miss; detail=too-large"
    assert site.handled == 2


async def test_simultaneous_requests_are_one_load(site: Site) -> None:
    """All get its bytes; one is the miss, the others say collapsed."""
    site.gate.clear()
    tasks = [asyncio.create_task(site.get("/shared", str(user))) for user in range(20)]
    await until(lambda: site.handled == 1 and site.identified == 20)
    site.gate.set()
    replies = await asyncio.gather(*tasks)
    assert site.handled == 1
    assert len({reply.body for reply in replies}) == 1
    assert sorted("collapsed" in reply.cache_status for reply in replies) == [False] + [True] * 19


async def test_the_first_clients_leaving_does_not_end_the_load(site: Site) -> None:
    """The others wait for it."""
    site.gate.clear()
    first = asyncio.create_task(site.get("/private"))
    await until(lambda: site.handled == 1)
    second = asyncio.create_task(site.get("/private"))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    site.gate.set()
    assert (await second).status == 200
    assert (site.handled, site.cancelled) == (1, 0)


async def test_an_answer_that_is_not_stored_releases_the_waiters_in_parallel(site: Site) -> None:
    """They load for themselves, all at once, and so do the requests of the next seconds."""
    site.gate.clear()
    site.status = 404
    tasks = [asyncio.create_task(site.get("/private")) for _ in range(10)]
    await until(lambda: site.handled == 1)
    site.gate.set()
    await until(lambda: site.handled == 10)
    assert {reply.status for reply in await asyncio.gather(*tasks)} == {404}
    site.gate.clear()
    tasks = [asyncio.create_task(site.get("/private")) for _ in range(5)]
    await until(lambda: site.handled == 15)
    site.gate.set()
    await asyncio.gather(*tasks)


async def test_an_error_reaches_every_waiter_and_the_next_request_tries_again(site: Site) -> None:
    """Nobody hangs, nothing is stored."""
    site.gate.clear()
    site.error = ValueError("broken")
    tasks = [asyncio.create_task(site.get("/private")) for _ in range(5)]
    await until(lambda: site.handled == 1)
    await asyncio.sleep(0)
    site.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {str(result) for result in results} == {"broken"}
    site.error = None
    assert (await site.get("/private")).status == 200


async def test_a_write_expires_before_its_answer_goes_out(site: Site) -> None:
    """Who wrote reads what was written."""
    await site.get("/private")
    seen_at_answer: list[bool] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            seen_at_answer.append((await site.get("/private")).is_hit)

    scope = {"type": "http", "method": "POST", "path": "/write", "query_string": b"", "headers": []}

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    await site.http(scope, receive, send)
    assert seen_at_answer == [False]


@pytest.mark.parametrize(
    ("status", "is_hit"), [(200, False), (303, False), (400, True), (403, True), (500, False)]
)
async def test_only_a_refused_write_expires_nothing(site: Site, status: int, is_hit: bool) -> None:
    """A server error may have written before it failed."""
    await site.get("/private")
    site.status = status
    await ask(site.http, "/write", "7", method="POST")
    site.status = 200
    assert (await site.get("/private")).is_hit is is_hit


async def test_a_write_that_raises_expires(site: Site) -> None:
    """It may have committed before."""
    await site.get("/private")
    site.error = ValueError("after the commit")
    with pytest.raises(ValueError, match="after the commit"):
        await ask(site.http, "/write", "7", method="POST")
    site.error = None
    assert not (await site.get("/private")).is_hit


async def test_a_load_that_a_write_overtook_is_not_joined_and_not_stored(site: Site) -> None:
    """A request after the write does not get what was read before it."""
    site.gate.clear()
    early = asyncio.create_task(site.get("/private"))
    await until(lambda: site.handled == 1)
    site.cache.expire_here(["t"])
    late = asyncio.create_task(site.get("/private"))
    await until(lambda: site.handled == 2)
    site.gate.set()
    assert ((await early).json["number"], (await late).json["number"]) == (1, 2)
    assert (await site.get("/private")).json["number"] == 2


async def test_an_expired_answer_may_be_served_while_one_refreshes_it(site: Site) -> None:
    """Where the policy gives stale_seconds (RFC 5861 §3); where it does not, the request waits."""
    assert (await site.get("/stale")).json["number"] == 1
    site.cache.expire_here(["t"])
    stale = await site.get("/stale")
    assert stale.json["number"] == 1
    assert stale.cache_status.endswith("detail=stale")
    await until(lambda: site.handled == 2 and not site.cache._flights)
    assert (await site.get("/stale")).json["number"] == 2


async def test_a_failing_application_is_covered_by_the_stale_answer(site: Site) -> None:
    """Where the policy gives stale_seconds (RFC 5861 §4)."""
    await site.get("/stale")
    await site.get("/private")
    site.cache.expire_here(["t"])
    site.status = 503
    for _ in range(3):
        assert (await site.get("/stale")).status == 200
        await until(lambda: not site.cache._flights)
    assert (await site.get("/private")).status == 503


async def test_a_flush_leaves_nothing_to_be_served_stale(site: Site) -> None:
    """After a gap in the feed nobody knows how old it is."""
    await site.get("/stale")
    site.cache.flush()
    assert (await site.get("/stale")).json["number"] == 2


async def test_a_requests_no_cache_is_honoured_where_the_policy_says_so(site: Site) -> None:
    """Elsewhere a client can not make the application work."""
    headers = [("cache-control", "no-cache")]
    for path, handled in (("/private", 1), ("/fresh", 3)):
        site.scopes.clear()
        for _ in range(3):
            await site.get(path, headers=headers)
        assert site.handled == handled
    assert (await site.get("/fresh")).is_hit


async def test_a_keyed_header_parts_entries_and_others_do_not_reach_the_application(site: Site) -> None:
    """An unkeyed header can not poison what others get."""
    german = [("accept-language", "de"), ("x-forwarded-host", "evil"), ("x-original-url", "/admin")]
    await site.get("/language", headers=german)
    assert dict(site.scopes[-1]["headers"]).keys() == {b"host", b"authorization", b"accept-language"}
    assert (await site.get("/language", "8", headers=[("accept-language", "de")])).is_hit
    assert not (await site.get("/language", headers=[("accept-language", "fr")])).is_hit


async def test_another_host_has_entries_of_its_own(site: Site) -> None:
    """A Host that the application writes into its links stays with who sent it."""
    await site.get("/shared", headers=[("host", "evil.test")])
    assert not (await site.get("/shared")).is_hit


@pytest.mark.parametrize(
    "options",
    [
        {"headers": [("range", "bytes=0-1")]},
        {"headers": [("content-length", "3")], "body": b"abc"},
        {"query": "a=1;b=2"},
        {"query": "%61=1"},
        {"headers": [("host", "a/b")]},
    ],
)
async def test_odd_requests_go_past_the_cache(site: Site, options: dict[str, Any]) -> None:
    """With all their headers, and nothing is stored."""
    for _ in range(2):
        assert (await site.get("/private", **options)).cache_status == "pack2; fwd=bypass; detail=request"
    assert site.handled == 2


@pytest.mark.parametrize(
    ("path", "raw_path"),
    [
        ("/private/x.css", b"/private/x.css"),
        ("/private", b"/%70rivate"),
        ("/private/", b"/private/"),
        ("//private", b"//private"),
        ("/private;x", b"/private;x"),
        ("/none", b"/none"),
        ("/elsewhere", b"/elsewhere"),
    ],
)
async def test_paths_without_a_policy_are_the_applications_alone(
    site: Site, path: str, raw_path: bytes
) -> None:
    """No header of ours, nothing stored: a suffix makes no private page a public file."""
    for _ in range(2):
        reply = await site.get(path, raw_path=raw_path)
        assert "cache-status" not in reply.headers
    assert site.handled == 2


async def test_statistics_count_by_route(site: Site) -> None:
    """Ready for JSON, without users or keys."""
    for user in ("7", "7", "8", None):
        await site.get("/private", user)
    assert site.cache.statistics()["routes"] == {"/private": {"anonymous": 1, "hit": 1, "miss": 2}}
    json.dumps(site.cache.statistics())


async def test_a_streamed_answer_ends_when_its_client_leaves(site: Site) -> None:
    """An open stream is not stored, and nobody keeps it alive."""
    ended = asyncio.Event()

    async def stream(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
                await asyncio.sleep(0)
        finally:
            ended.set()

    site.http._app = stream
    task = asyncio.create_task(site.get("/private"))
    for _ in range(50):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.wait_for(ended.wait(), 2)
