"""Requests are counted by template, answers of the cache apart; metrics are for those who may see them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgi_client import Reply, ask
from prometheus_client.parser import text_string_to_metric_families

from pack2.cache import Cache
from pack2.config import HttpPolicy
from pack2.http import CacheMiddleware, Identity
from pack2.monitoring import Probe, Reading, Recorder
from pack2.monitoring.endpoint import MetricsEndpoint
from pack2.monitoring.middleware import MetricsMiddleware
from pack2.monitoring.sources import CacheSource, ProcessSource

ROLES = {b"Bearer boss": {"viewer", "operator"}, b"Bearer reader": {"viewer"}}


async def identify(scope: Any) -> Identity | None:
    sent = dict(scope["headers"]).get(b"authorization", b"")
    if sent == b"Bearer broken":
        raise OSError
    roles = ROLES.get(sent)
    return None if roles is None else Identity("7", frozenset(roles), "session:7", time.time() + 60)


async def application(scope: Any, _receive: Any, send: Any) -> None:
    if scope["path"] == "/fails":
        raise RuntimeError("secret text")
    kind = b"text/event-stream" if scope["path"] == "/live" else b"text/plain"
    status = 404 if scope["path"].startswith("/no/") else 200
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": b"12345"})


def made(*probes: Probe, cache: Cache | None = None, token: str = "t0ken") -> MetricsMiddleware:
    recorder = Recorder()
    endpoint = MetricsEndpoint(recorder, identify=identify, probes=probes, token=token)
    inner: Any = application
    recorder.sources.append(ProcessSource())
    if cache is not None:
        policy = HttpPolicy(route="/notes/{note_id:int}", scope="public", ttl_seconds=60)
        inner = CacheMiddleware(application, cache=cache, identify=identify, policies=[policy])
        recorder.sources.append(CacheSource(cache))
    routes = ["/notes/{note_id:int}", "/notes/{name}", "/fails", "/live", "/static/", "/"]
    return MetricsMiddleware(inner, recorder, routes, endpoint=endpoint)


async def text(app: Any, token: str = "t0ken") -> str:
    """The metrics, each sample's labels in the order of the alphabet."""
    found = (await ask(app, "/api/metrics", token)).body.decode()
    return "\n".join(
        f"{sample.name}{_labels(sample.labels)} {sample.value}"
        for metric in text_string_to_metric_families(found)
        for sample in metric.samples
    )


def _labels(labels: dict[str, str]) -> str:
    pairs = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
    return f"{{{pairs}}}" if pairs else ""


async def test_a_request_is_counted_by_its_template() -> None:
    """Method, class of status, bytes and time by route; what matches none is `other`."""
    app = made()
    for path in ("/notes/1", "/notes/2", "/notes/x", "/static/1/a.js", "/no/such", "/no/%00"):
        await ask(app, path)
    await ask(app, "/notes/1", method="BREW")
    found = await text(app)
    assert 'pack2_http_requests_total{method="GET",route="/notes/{note_id:int}",status="2xx"} 2.0' in found
    assert 'pack2_http_requests_total{method="other",route="/notes/{note_id:int}",status="2xx"} 1.0' in found
    assert 'pack2_http_requests_total{method="GET",route="/notes/{name}",status="2xx"} 1.0' in found
    assert 'pack2_http_requests_total{method="GET",route="/static/",status="2xx"} 1.0' in found
    assert 'pack2_http_requests_total{method="GET",route="other",status="4xx"} 2.0' in found
    assert 'pack2_http_response_bytes_total{route="/notes/{note_id:int}"} 15.0' in found
    assert 'pack2_http_request_duration_seconds_count{route="/notes/{name}"} 1.0' in found


async def test_what_fails_is_counted_as_5xx() -> None:
    """An exception that reaches the server is an answer 500, and nothing of its text is exported."""
    app = made()
    with pytest.raises(RuntimeError):
        await ask(app, "/fails")
    found = await text(app)
    assert "pack2_http_exceptions_total 1.0" in found
    assert 'method="GET",route="/fails",status="5xx"} 1.0' in found
    assert "secret" not in found


async def test_a_source_that_fails_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The request is answered, the log tells of it, and the next hand-over asks again."""
    monkeypatch.setattr("pack2.monitoring.middleware.FLUSH_SECONDS", 0.001)
    app, again = made(), asyncio.Event()

    def fails_once(_recorder: Recorder) -> None:
        if "not handed over" in caplog.text:
            again.set()
        else:
            raise OSError

    app.recorder.sources.append(fails_once)
    assert (await ask(app, "/notes/1")).status == 200
    await asyncio.wait_for(again.wait(), 10)


async def test_a_stream_is_no_slow_request() -> None:
    """An event stream that is open for an hour says nothing about response times."""
    app = made()
    await ask(app, "/live")
    found = await text(app)
    assert 'pack2_http_requests_total{method="GET",route="/live",status="2xx"} 1.0' in found
    assert 'pack2_http_request_duration_seconds_count{route="/live"} 0.0' in found


async def test_an_answer_of_the_cache_is_counted_as_one() -> None:
    """The middleware stands outside of the cache: hits are requests, with a time of their own."""
    async with Cache() as cache:
        app = made(cache=cache)
        for _ in range(3):
            await ask(app, "/notes/1")
        found = await text(app)
    assert 'pack2_http_requests_total{method="GET",route="/notes/{note_id:int}",status="2xx"} 3.0' in found
    assert 'pack2_cache_answer_duration_seconds_count{source="hit"} 2.0' in found
    assert 'pack2_cache_requests_total{outcome="hit"} 2.0' in found
    assert 'pack2_cache_requests_total{outcome="miss"} 1.0' in found
    assert 'pack2_cache_route_requests_total{from="cache",route="/notes/{note_id:int}"} 2.0' in found


@pytest.mark.parametrize(
    ("token", "status"),
    [(None, 401), ("wrong", 401), ("reader", 403), ("broken", 503), ("boss", 200), ("t0ken", 200)],
)
async def test_metrics_are_for_the_scraper_and_for_operators(token: str | None, status: int) -> None:
    """The token, or the role; a problem document says which is missing."""
    answer = await ask(made(), "/api/metrics", token)
    assert answer.status == status
    assert answer.headers["cache-control"] == "no-store"
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["status"] == status


async def test_without_a_token_an_empty_one_is_none() -> None:
    """Nobody gets in with `Bearer ` where no token was set."""
    for value in ("Bearer ", "Bearer", "bearer  "):
        answer = await ask(made(token=""), "/api/metrics", headers=[("authorization", value)])
        assert answer.status == 401


async def test_metrics_are_only_read() -> None:
    """Another method is refused, and only told to who may read."""
    assert (await ask(made(), "/api/metrics", "t0ken", method="POST")).status == 405
    assert (await ask(made(), "/api/metrics", method="POST")).status == 401


@pytest.mark.parametrize(
    ("accept", "start", "end"),
    [
        ("*/*", "text/plain", "\n"),
        ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text", "# EOF\n"),
    ],
)
async def test_the_scraper_chooses_the_format(accept: str, start: str, end: str) -> None:
    """OpenMetrics where it is asked for, else Prometheus' text."""
    headers = [("authorization", "Bearer t0ken"), ("accept", accept)]
    answer: Reply = await ask(made(), "/api/metrics", headers=headers)
    assert answer.headers["content-type"].startswith(start)
    assert answer.body.decode().endswith(end)
    assert b"pack2_workers 1.0" in answer.body


def probe(server: str, read: Callable[[], Awaitable[list[Reading]]]) -> Probe:
    return Probe(server, read)


async def test_a_server_that_is_down_is_a_figure() -> None:
    """The scrape answers all the same; readings of the other servers are in it."""

    async def up() -> list[Reading]:
        return [Reading("pack2_redis_memory_bytes", 5)]

    async def down() -> list[Reading]:
        raise ConnectionRefusedError

    found = await text(made(probe("redis", up), probe("postgresql", down)))
    assert 'pack2_server_up{server="redis"} 1.0' in found
    assert 'pack2_server_up{server="postgresql"} 0.0' in found
    assert "pack2_redis_memory_bytes 5.0" in found
