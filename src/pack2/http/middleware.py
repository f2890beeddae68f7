"""The ASGI cache middleware: outermost, so that a hit touches no framework.

Who asks is found out first, on every request; only then is anything compared or sent. What can not be proved
fresh goes to the application.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
from time import monotonic, perf_counter
from typing import Any, Final, NamedTuple

import msgspec

from pack2.cache.cache import Cache
from pack2.cache.flight import Loaded, Recipe
from pack2.cache.memory import Entry
from pack2.cache.redis_tier import RedisDownError
from pack2.cache.sealing import Sealer
from pack2.cache.tags import current
from pack2.config import HttpPolicy
from pack2.http.answer import Answer, Headers
from pack2.http.capture import Capture
from pack2.http.conditional import matches
from pack2.http.identities import Identities, credential_of
from pack2.http.identity import (
    IDENTITY_KEY,
    SOURCE_KEY,
    ASGIApp,
    Identify,
    Identity,
    Message,
    Receive,
    Scope,
    Send,
)
from pack2.http.lifespan import Lifespan
from pack2.http.policy import Policy, compile_policies, render
from pack2.http.request import Target, Targets, fill_scope, is_plain, key_of, single_headers

log = logging.getLogger("pack2.http")

DEFAULT_BODY_BYTES: Final = 1024 * 1024


class CacheMiddleware:
    """Answers from `cache` where a policy allows it, and puts `scope["pack2.identity"]` for the application.

    `identify(scope)` says who asks; it is asked only of requests with Cookie or Authorization. `policies` are
    those of `pack2.toml`. With `session_cookie` no other cookie reaches the application while an entry is
    filled. Entries of sensitive policies leave the process through `sealer` alone; from_config demands it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        cache: Cache,
        identify: Identify,
        policies: Iterable[HttpPolicy],
        session_cookie: str = "",
        max_body_bytes: int = DEFAULT_BODY_BYTES,
        sealer: Sealer | None = None,
    ) -> None:
        self.cache = cache
        self._sealer = sealer
        self._app = app
        self._identities = Identities(cache, identify)
        reads, self._writes = compile_policies(policies)
        self._targets = Targets(reads)
        self._session_cookie = session_cookie.encode()
        self._max_body_bytes = max_body_bytes
        self._lifespan = Lifespan(app, cache)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                return await self._lifespan(scope, receive, send)
            return await self._app(scope, receive, send)
        started = perf_counter()
        method = scope["method"]
        if method != "GET" and method != "HEAD":
            return await self._write(scope, receive, send)
        target = self._targets.find(scope["path"], scope["query_string"], scope.get("raw_path"))
        headers = single_headers(scope)
        if target is None or headers is None or target.policy.scope == "none":
            return await self._pass(scope, receive, send, headers)
        policy = target.policy
        identity = None
        if policy.scope != "public":
            identity = await self._identity(scope, headers)
            if identity is None:
                return await self._bypass(scope, receive, send, policy, "anonymous")
        cache = self.cache
        now = monotonic()
        if now >= cache.trusted_until:
            return await self._bypass(scope, receive, send, policy, "unproved")
        if target.query is None or not is_plain(headers):
            return await self._bypass(scope, receive, send, policy, "request")
        key = key_of(target, scope, headers, identity)
        entry = cache.memory.get(key)
        if (
            entry is not None
            and now < entry.early_at
            and now < entry.fresh_until
            and current(entry.marks)
            and not (policy.honour_no_cache and b"cache-control" in headers)
        ):
            cache.counters.counts[policy.route, _HIT] += 1
            scope[SOURCE_KEY] = _HIT
            return await _send_entry(entry, headers, method, send, _HIT, started, now)
        return await self._obtain(scope, receive, send, headers, target, identity, key, started)

    async def identify(self, scope: Scope) -> Identity | None:
        """Who sends this request, as the cache sees it; None for nobody."""
        headers = single_headers(scope)
        return None if headers is None else await self._identity(scope, headers)

    # Reading

    async def _obtain(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: dict[bytes, bytes],
        target: Target,
        identity: Identity | None,
        key: tuple[object, ...],
        started: float,
    ) -> None:
        policy = target.policy
        if scope["method"] == "HEAD" and self.cache.memory.get(key) is None:
            return await self._bypass(scope, receive, send, policy, "head")
        filled = fill_scope(scope, headers, policy, identity, self._session_cookie)
        tags = render(policy.tags, target.parameters, identity)
        question = Question(policy, tags, identity, credential_of(headers), filled)
        capture = Capture(self._app, question.scope(), receive, policy, self._max_body_bytes)
        recipe = self._recipe(key, question, capture, sha256(msgspec.msgpack.encode(key)).hexdigest())
        refresh = policy.honour_no_cache and b"no-cache" in headers.get(b"cache-control", b"")
        if refresh and self.cache.redis is not None:
            with suppress(RedisDownError):
                await self.cache.redis.delete(recipe.digest)
        try:
            entry, source = await self.cache.obtain(recipe, refresh=refresh)
        except BaseException:
            capture.is_abandoned = True
            raise
        if entry is None and source == "collapsed":
            return await self._bypass(scope, receive, send, policy, "not-stored")
        if entry is None and capture.status >= 500:
            entry, source = await self._stale_instead(capture, recipe)
        self.cache.counters.count(policy.route, source if entry is not None else "not_stored")
        if entry is not None:
            scope[SOURCE_KEY] = source
            if source != "miss":
                capture.is_abandoned = True
            timing = capture.server_timing if source == "miss" else []
            await _send_entry(entry, headers, scope["method"], send, source, started, monotonic(), timing)
            return None
        status = b"pack2; fwd=uri-miss; detail=%s" % capture.refusal.encode()
        return await capture.relay(send, [(b"cache-status", status), _timing(b"miss", started)])

    def _recipe(self, key: tuple[object, ...], question: Question, capture: Capture, digest: str) -> Recipe:
        policy = question.policy
        renewed = policy.refresh_ahead and bool(question.tags)
        sealer = self._sealer if policy.sensitive else None

        async def load_sealed() -> Loaded | None:
            loaded = await capture.load()
            if loaded is None or sealer is None:
                return loaded
            return loaded._replace(encode=lambda: sealer.seal(loaded.encode(), digest))

        return Recipe(
            key=key,
            digest=digest,
            tags=question.tags,
            ttl_seconds=policy.ttl_seconds,
            stale_seconds=policy.stale_seconds,
            load=capture.load if sealer is None else load_sealed,
            decode=lambda data: _decode(data if sealer is None else sealer.open(data, digest), policy),
            again=(lambda: self._again(key, question, digest)) if renewed else None,
            route=policy.route,
        )

    def _again(self, key: tuple[object, ...], question: Question, digest: str) -> Recipe | None:
        """The same question, asked by nobody: only while who asked it is still signed in as the same."""
        asker = question.identity
        if asker is not None:
            credential = question.credential
            if credential is None or self._identities.known(credential) != asker:
                return None
        capture = Capture(self._app, question.scope(), _silence, question.policy, self._max_body_bytes)
        capture.is_abandoned = True
        return self._recipe(key, question, capture, digest)._replace(is_ahead=True)

    async def _stale_instead(self, capture: Capture, recipe: Recipe) -> tuple[Entry | None, str]:
        """A failure of the application is covered by an expired entry where the policy allows it (RFC 5861
        §4).
        """
        entry = self.cache.memory.get(recipe.key)
        if entry is None or not self.cache.may_be_stale(entry, recipe, monotonic()):
            return None, "miss"
        await capture.close()
        return entry, "stale"

    async def _identity(self, scope: Scope, headers: dict[bytes, bytes]) -> Identity | None:
        credential = credential_of(headers)
        identity = None if credential is None else self._identities.known(credential)
        if credential is not None and identity is None:
            try:
                identity = await self._identities.find(credential, scope)
            except Exception as error:
                log.warning("identify failed (%s); the application answers itself", type(error).__name__)
                return None
        scope[IDENTITY_KEY] = identity
        return identity

    async def _bypass(self, scope: Scope, receive: Receive, send: Send, policy: Policy, detail: str) -> None:
        self.cache.counters.count(policy.route, "anonymous" if detail == "anonymous" else "bypass")
        status = (b"cache-status", b"pack2; fwd=bypass; detail=%s" % detail.encode())

        async def send_with_status(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), status]}
            await send(message)

        await self._app(scope, receive, send_with_status)

    async def _pass(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes] | None
    ) -> None:
        """No policy: the application answers; an identity that is known anyway is told to it."""
        credential = None if headers is None else credential_of(headers)
        identity = None if credential is None else self._identities.known(credential)
        if identity is not None:
            scope[IDENTITY_KEY] = identity
        await self._app(scope, receive, send)

    # Writing

    async def _write(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = single_headers(scope)
        match = self._writes.find(scope["path"])
        policy = None if match is None else match.target.get(scope["method"])
        if match is None or policy is None or not policy.expires or headers is None:
            return await self._pass(scope, receive, send, headers)
        identity = await self._identity(scope, headers)
        tags = render(policy.expires, match.parameters, identity)
        is_expired = False

        async def expire() -> None:
            nonlocal is_expired
            is_expired = True
            self.cache.expire_here(tags)
            await self.cache.settle()

        async def send_expired(message: Message) -> None:
            if message["type"] == "http.response.start" and not 400 <= message["status"] < 500:
                await expire()
            await send(message)

        try:
            await self._app(scope, receive, send_expired)
        except BaseException:
            if not is_expired:
                await expire()
            raise
        return None


class Question(NamedTuple):
    """What the application is asked when an entry is filled, by whom."""

    policy: Policy
    tags: tuple[str, ...]
    identity: Identity | None
    credential: bytes | None
    asked: Scope

    def scope(self) -> Scope:
        """A scope of its own for each time it is asked: frameworks write into it."""
        scope = dict(self.asked)
        if "state" in scope:
            scope["state"] = dict(scope["state"])
        return scope


async def _silence() -> Message:
    """The client of a load that nobody waits for: it never says anything and never leaves."""
    await asyncio.Event().wait()
    return {"type": "http.disconnect"}


_HIT: Final = "hit"
_STATUS: Final = {
    "hit": b"pack2; hit; ttl=%d",
    "hit_redis": b"pack2; hit; ttl=%d; detail=redis",
    "stale": b"pack2; hit; ttl=%d; detail=stale",
    "miss": b"pack2; fwd=uri-miss; stored; ttl=%d",
    "collapsed": b"pack2; fwd=uri-miss; collapsed; ttl=%d",
}


async def _send_entry(
    entry: Entry,
    headers: dict[bytes, bytes],
    method: str,
    send: Send,
    source: str,
    started: float,
    now: float,
    server_timing: Sequence[bytes] = (),
) -> None:
    """Send a stored answer, or 304 where the client has it: who asks was checked before."""
    answer: Answer = entry.value
    ttl = entry.fresh_until - now
    if source == "stale" and ttl >= 0:
        ttl = -1
    timing = b"cache;desc=%s;dur=%.3f" % (source.encode(), (perf_counter() - started) * 1000)
    if server_timing:
        timing = b", ".join((*server_timing, timing))
    own: Headers = [
        (b"age", b"%d" % (now - entry.stored_at)),
        (b"cache-status", _STATUS[source] % ttl),
        (b"server-timing", timing),
    ]
    if_none_match = headers.get(b"if-none-match")
    if if_none_match is not None and answer.status == 200 and matches(if_none_match, answer.etag):
        await send({"type": "http.response.start", "status": 304, "headers": [*answer.headers_304, *own]})
        await send({"type": "http.response.body", "body": b""})
        return
    form_headers, body = answer.form(headers.get(b"accept-encoding"))
    await send({"type": "http.response.start", "status": answer.status, "headers": form_headers + own})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


def _timing(description: bytes, started: float) -> tuple[bytes, bytes]:
    return b"server-timing", b"cache;desc=%s;dur=%.3f" % (description, (perf_counter() - started) * 1000)


def _decode(data: bytes, policy: Policy) -> tuple[Any, int]:
    answer = Answer.from_bytes(data, policy)
    return answer, answer.size_bytes
