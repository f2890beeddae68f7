"""/api/live: server-sent events for an open page."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

from litestar import get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter
from litestar.types import ASGIApp

from adaf.auth.guards import signed_in
from adaf.auth.sessions import digest_of
from adaf.live.stream import STOPPED, Stream
from adaf.request import Request

if TYPE_CHECKING:
    from adaf.live.hub import Hub

log = logging.getLogger("adaf.live")

STUCK_SECONDS = 30.0
MEDIA_TYPE = "text/event-stream"
Age = Annotated[
    int | None,
    Parameter(ge=0, le=10**12, description="How many milliseconds ago the page that asks knew everything."),
]
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class EventStream:
    """The answer: an ASGI application that sends events until the stream ends or the client is gone."""

    def __init__(self, hub: Hub, stream: Stream) -> None:
        self._hub = hub
        self._stream = stream

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002 - ASGI
        self._hub.join(self._stream)
        watch = asyncio.create_task(self._watch(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            async for block in self._stream.events():
                async with asyncio.timeout(STUCK_SECONDS):
                    await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            log.info("a client that reads nothing any more is dropped")
        finally:
            self._hub.leave(self._stream)
            watch.cancel()

    async def _watch(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._stream.end(STOPPED)


@get(
    "/api/live",
    opt=signed_in,
    media_type=MEDIA_TYPE,
    responses={200: ResponseSpec(data_container=str, media_type=MEDIA_TYPE, description="Events.")},
)
async def live(request: Request, age_ms: Age = None) -> ASGIApp:
    """Server-sent events while a page is open.

    `ready` first, and again after an interruption; `changed` with {"tags": [...]}, the tags that this user
    may know, `*` for all, at first those of the time before that `age_ms` says; `quotes` with an array of
    {symbol, ts, price, change_24h_ratio, words: {price, change, bid, ask, moment}}, all of them at first and
    then those that changed; `heartbeat` when nothing was missed until now; `end` with a reason, last.
    """
    hub: Hub = request.app.state.live
    hub.require_room(request.user_id)
    scope: Any = request.scope
    since = None if age_ms is None else monotonic() - age_ms / 1000
    stream = Stream(request.user_id, digest_of(scope), request.identity.expires_at, since)
    return EventStream(hub, stream)


routes = [live]
