"""`/api/metrics`: for the scraper with its token, and for people with the operator's role; nobody else.

The token needs no database, so that a scrape answers while PostgreSQL is down.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from hmac import compare_digest
from http import HTTPStatus
from typing import Final

import msgspec

from pack2.http.identity import Identify, Receive, Scope, Send
from pack2.monitoring.exposition import expose
from pack2.monitoring.families import SERVERS, Family
from pack2.monitoring.probes import Probe, ask
from pack2.monitoring.recorder import Recorder

TOKEN_VARIABLE: Final = "PACK2_METRICS_TOKEN"  # noqa: S105  the name of a variable
_UNKNOWN: Final = "Send the token of the metrics (`Authorization: Bearer …`), or sign in as an operator."
_AWAY: Final = "Who asks can not be found out at the moment; the token of the metrics works meanwhile."


class MetricsEndpoint:
    """An ASGI application that answers any path with the metrics of `recorder` and of `probes`.

    `token` is the scraper's ("": none); the text of PACK2_METRICS_TOKEN unless given. `identify` says who
    else asks: those with `role` are answered. `families` are the readings' of the application's own probes.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        identify: Identify,
        role: str = "operator",
        probes: Iterable[Probe] = (),
        families: Mapping[str, Family] | None = None,
        token: str | None = None,
    ) -> None:
        self._recorder = recorder
        self._identify = identify
        self._role = role
        self._probes = tuple(probes)
        self._families = {**SERVERS, **(families or {})}
        self._token = (os.environ.get(TOKEN_VARIABLE, "") if token is None else token).encode()

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        status, detail = await self._admit(scope, headers)
        if status == HTTPStatus.OK and scope["method"] != "GET":
            status, detail = HTTPStatus.METHOD_NOT_ALLOWED, "Metrics can be read with GET alone."
        if status != HTTPStatus.OK:
            return await _refuse(send, status, detail)
        self._recorder.collect()
        readings = await ask(self._probes)
        accept = headers.get(b"accept", b"").decode("latin-1")
        body, media_type = await asyncio.to_thread(expose, self._recorder, readings, self._families, accept)
        return await _send(send, HTTPStatus.OK, body, [(b"content-type", media_type.encode())])

    async def _admit(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[HTTPStatus, str]:
        scheme, _, sent = headers.get(b"authorization", b"").partition(b" ")
        if self._token and scheme.lower() == b"bearer" and compare_digest(sent.strip(), self._token):
            return HTTPStatus.OK, ""
        try:
            identity = await self._identify(scope)
        except Exception:
            return HTTPStatus.SERVICE_UNAVAILABLE, _AWAY
        if identity is None:
            return HTTPStatus.UNAUTHORIZED, _UNKNOWN
        if self._role not in identity.roles:
            return HTTPStatus.FORBIDDEN, f"This needs the role {self._role}."
        return HTTPStatus.OK, ""


async def _refuse(send: Send, status: HTTPStatus, detail: str) -> None:
    problem = {"status": int(status), "title": status.phrase, "detail": detail, "type": "about:blank"}
    headers = [(b"content-type", b"application/problem+json")]
    if status == HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b'Bearer realm="metrics"'))
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append((b"allow", b"GET"))
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", b"1"))
    await _send(send, status, msgspec.json.encode(problem), headers)


async def _send(send: Send, status: HTTPStatus, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    headers = [*headers, (b"cache-control", b"no-store"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
