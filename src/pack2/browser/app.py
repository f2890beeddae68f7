"""Serves the worker and its module below `/pack2/`, and tells a worker what it may keep, and for whom.

An answer carries the key of the session that it was given to, and its tags; what carries none is never kept.
The key is a digest of the session cookie: the same in every process, and nothing that says who somebody is.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from hashlib import blake2b
from importlib import resources
from typing import Final

import msgspec

from pack2.config import Config
from pack2.http.conditional import entity_tag, matches
from pack2.http.identity import ASGIApp, Identity, Message, Receive, Scope, Send
from pack2.http.policy import compile_policies, render
from pack2.http.request import Targets

PREFIX: Final = "/pack2/"
KEY_HEADER: Final = b"pack2-key"
TAGS_HEADER: Final = b"pack2-tags"
KEEP_HEADER: Final = b"pack2-keep"
"""Seconds that a page may be painted again, then those that it may stand where the server fails."""
_ASKED_BY: Final = (b"pack2-browser", b"1")
_SCRIPT: Final = b"text/javascript; charset=utf-8"
_POLICY: Final = b"default-src 'none'; connect-src 'self'"
_KEPT: Final = (200, 304)

Headers = list[tuple[bytes, bytes]]


class BrowserCache:
    """`app`, and the browser's cache in front of it; `identify` is that of the cache middleware.

    Without `identify`, or with `enabled = false` under `[browser]`, it serves scripts that remove a worker
    which is there already.
    """

    def __init__(
        self,
        app: ASGIApp,
        config: Config,
        *,
        identify: Callable[[Scope], Awaitable[Identity | None]] | None = None,
    ) -> None:
        self._app = app
        self._settings = config.browser
        self._identify = identify if config.browser.enabled else None
        self._session_cookie = config.http.session_cookie.encode()
        self._targets = Targets(compile_policies(config.http.policy)[0])
        self._scripts = _scripts(config if self._identify is not None else None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if scope["path"].startswith(PREFIX):
            return await self._own(scope, receive, send)
        if self._identify is not None and scope["method"] == "GET" and _ASKED_BY in scope["headers"]:
            send = await self._marking(scope, send)
        return await self._app(scope, receive, send)

    async def _own(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"].removeprefix(PREFIX)
        is_read = scope["method"] in ("GET", "HEAD")
        if name == "who" and is_read and self._identify is not None:
            return await _answer(send, scope, *await self._who(scope))
        body = self._scripts.get(name)
        if body is None or not is_read:
            return await self._app(scope, receive, send)
        tag = entity_tag(_SCRIPT, body)
        headers = [
            (b"content-type", _SCRIPT),
            (b"cache-control", b"no-cache"),
            (b"etag", tag),
            (b"content-security-policy", _POLICY),
            (b"service-worker-allowed", b"/"),
        ]
        known = dict(scope["headers"]).get(b"if-none-match", b"")
        if known and matches(known, tag):
            return await _answer(send, scope, 304, headers, b"")
        return await _answer(send, scope, 200, headers, body)

    async def _who(self, scope: Scope) -> tuple[int, Headers, bytes]:
        """The session's key; empty for nobody, which is no error that a console should show.

        The browser may repeat it for a while, to the same cookie alone (RFC 9111 §4.1).
        """
        identity, key = await self._session(scope)
        text = (b"content-type", b"text/plain; charset=utf-8")
        if identity is None:
            return 200, [text, (b"cache-control", b"no-store")], b""
        left_seconds = min(self._settings.session_seconds, identity.expires_at - time.time())
        control = b"private, max-age=%d" % max(0, int(left_seconds))
        return 200, [text, (b"cache-control", control), (b"vary", b"Cookie")], key

    async def _session(self, scope: Scope) -> tuple[Identity | None, bytes]:
        """Who asks, by the session cookie and nothing else."""
        key = session_key(scope["headers"], self._session_cookie)
        by_other = any(name == b"authorization" for name, _ in scope["headers"])
        if self._identify is None or key is None or by_other:
            return None, b""
        return await self._identify(scope), key

    async def _marking(self, scope: Scope, send: Send) -> Send:
        """`send`, with the key and the tags on an answer that a policy allows to be kept."""
        target = self._targets.find(scope["path"], scope["query_string"], scope.get("raw_path"))
        if target is None or target.query is None or target.policy.browser_seconds <= 0:
            return send
        identity, key = await self._session(scope)
        if identity is None:
            return send
        own = [
            (KEY_HEADER, key),
            (TAGS_HEADER, " ".join(render(target.policy.tags, target.parameters, identity)).encode()),
            (KEEP_HEADER, b"%d %d" % (target.policy.browser_seconds, target.policy.stale_seconds)),
        ]

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start" and _may_be_kept(message):
                message = {**message, "headers": [*message.get("headers", ()), *own]}
            await send(message)

        return marked


def session_key(headers: Iterable[tuple[bytes, bytes]], session_cookie: bytes) -> bytes | None:
    """The opaque key of the session whose cookie this is; None without one. "" takes all cookies."""
    cookie = b"; ".join(value for name, value in headers if name == b"cookie")
    pairs = [pair.strip() for pair in cookie.split(b";")]
    name = session_cookie + b"=" if session_cookie else b""
    shown = [pair for pair in pairs if pair and pair.startswith(name)]
    if not shown:
        return None
    digest = blake2b(b"; ".join(shown), digest_size=16, person=b"pack2.browser")
    return digest.hexdigest().encode()


def _may_be_kept(start: Message) -> bool:
    if start["status"] not in _KEPT:
        return False
    for name, value in start.get("headers", ()):
        lowered = name.lower()
        if lowered == b"set-cookie" or (lowered == b"cache-control" and b"no-store" in value.lower()):
            return False
    return True


def _scripts(config: Config | None) -> dict[str, bytes]:
    """The scripts by name; those that remove the worker where there is no configuration."""
    folder = resources.files("pack2.browser")
    if config is None:
        return {
            "browser.js": (folder / "removal.js").read_bytes(),
            "worker.js": (folder / "removal_worker.js").read_bytes(),
        }
    stated = b"const SETTINGS = %s;\n" % msgspec.json.encode(config.browser)
    return {
        "browser.js": (folder / "browser.js").read_bytes(),
        "worker.js": stated + (folder / "worker.js").read_bytes(),
    }


async def _answer(send: Send, scope: Scope, status: int, headers: Headers, body: bytes) -> None:
    sized = [*headers, (b"x-content-type-options", b"nosniff")]
    if status != 304:
        sized.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": sized})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
