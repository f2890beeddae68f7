"""The ASGI middleware that counts requests, outermost: what the cache answers is counted too.

A route is its template; what no template matches is `other`, so that paths of strangers make no series. A hit
may cost a microsecond and a half here: `bench/cache_hit.py` measures it.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_left
from collections.abc import Awaitable, Iterable
from contextlib import suppress
from time import perf_counter
from typing import Final

from pack2.cache.statistics import OUTCOMES
from pack2.http.identity import SOURCE_KEY, ASGIApp, Message, Receive, Scope, Send
from pack2.http.routes import RouteError, Routes
from pack2.monitoring.recorder import Count, Distribution, Recorder

log = logging.getLogger("pack2.monitoring")

METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
OTHER: Final = "other"
MOST_PATHS: Final = 8192
FLUSH_SECONDS: Final = 1.0


class MetricsMiddleware:
    """Counts the requests to `app` in `recorder` by the templates `routes`; one that ends in `/` is the start
    of many paths. `endpoint` answers `path` in the application's place. Each second the
    recorder hands over.
    """

    def __init__(
        self,
        app: ASGIApp,
        recorder: Recorder,
        routes: Iterable[str],
        *,
        endpoint: ASGIApp | None = None,
        path: str = "/api/metrics",
    ) -> None:
        self.recorder = recorder
        self._app = app
        self._routes: Routes[_Route] = Routes()
        self._starts: list[_Route] = []
        for route in sorted({*routes} - {path}):
            with suppress(RouteError):
                self._add(route, app)
        if endpoint is not None:
            self._add(path, endpoint)
        self._other = _Route(OTHER, app, recorder)
        self._known: dict[str, _Route] = {}
        self._exceptions = recorder.count("pack2_http_exceptions_total")
        self._answers = {
            source: recorder.distribution("pack2_cache_answer_duration_seconds", (source,))
            for source in OUTCOMES[:3]
        }
        self._in_progress = 0
        self._ticking: asyncio.Task[None] | None = None
        recorder.sources.append(self._report)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._pass(scope, receive, send)
        started = perf_counter()
        if self._ticking is None:
            self._tick_from_now()
        route = self._known.get(scope["path"]) or self._find(scope["path"])
        status = size_bytes = 0
        headers: Iterable[tuple[bytes, bytes]] = ()

        def counted(message: Message) -> Awaitable[None]:
            nonlocal status, size_bytes, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message.get("headers", ())
            else:
                size_bytes += len(message.get("body", b""))
            return send(message)

        self._in_progress += 1
        try:
            await route.app(scope, receive, counted)
        except BaseException:
            self._exceptions.value += 1
            raise
        finally:
            self._in_progress -= 1
            count = route.requests.get((scope["method"], status)) or route.add(scope["method"], status)
            count.value += 1
            route.bytes.value += size_bytes
            seconds = perf_counter() - started
            answer = self._answers.get(scope.get(SOURCE_KEY, ""))
            if answer is not None or not _is_stream(headers):
                duration = route.duration
                duration.counts[bisect_left(duration.edges, seconds)] += 1
                duration.total += seconds
                if answer is not None:
                    answer.counts[bisect_left(answer.edges, seconds)] += 1
                    answer.total += seconds
        return None

    def _report(self, recorder: Recorder) -> None:
        recorder.gauge("pack2_http_requests_in_progress", self._in_progress)

    def _add(self, route: str, app: ASGIApp) -> None:
        target = _Route(route, app, self.recorder)
        if route.endswith("/") and route != "/":
            self._starts.append(target)
        else:
            self._routes.add(route, target)

    def _find(self, path: str) -> _Route:
        match = self._routes.find(path)
        if match is None:
            return next((start for start in self._starts if path.startswith(start.name)), self._other)
        if len(self._known) >= MOST_PATHS:
            self._known.clear()
        self._known[path] = match.target
        return match.target

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            return await self._app(scope, receive, send)
        self._tick_from_now()
        try:
            await self._app(scope, receive, send)
        finally:
            if self._ticking is not None:
                self._ticking.cancel()
                self._ticking = None
            self._hand_over()
        return None

    def _tick_from_now(self) -> None:
        self._ticking = asyncio.get_running_loop().create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            self._hand_over()
            started = perf_counter()
            await asyncio.sleep(FLUSH_SECONDS)
            lag_seconds = max(0.0, perf_counter() - started - FLUSH_SECONDS)
            self.recorder.gauge("pack2_event_loop_lag_seconds", lag_seconds)

    def _hand_over(self) -> None:
        try:
            self.recorder.collect()
        except Exception:
            log.exception("What this worker counted was not handed over; the next hand-over tries again.")


class _Route:
    """What is counted of one template."""

    __slots__ = ("_recorder", "app", "bytes", "duration", "name", "requests")

    def __init__(self, name: str, app: ASGIApp, recorder: Recorder) -> None:
        self.name = name
        self.app = app
        self._recorder = recorder
        self.requests: dict[tuple[str, int], Count] = {}
        self.bytes = _LATER
        self.duration: Distribution

    def add(self, method: str, status: int) -> Count:
        """The cell of a method and a status that are new here; the route itself is exported from now on."""
        self.bytes = self._recorder.count("pack2_http_response_bytes_total", (self.name,))
        self.duration = self._recorder.distribution("pack2_http_request_duration_seconds", (self.name,))
        known = method if method in METHODS else OTHER
        kind = f"{status // 100}xx" if 100 <= status < 600 else "5xx"
        count = self._recorder.count("pack2_http_requests_total", (self.name, known, kind))
        if known != OTHER:
            self.requests[method, status] = count
        return count


_LATER: Final = Count()


def _is_stream(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"content-type" and value.startswith(b"text/event-stream") for name, value in headers)
