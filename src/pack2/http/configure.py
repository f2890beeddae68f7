"""Builds the middleware, its cache and its change feed from `pack2.toml`; starts and stops them with the
application.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from urllib.parse import urlsplit

from pack2.cache import Cache, ChangeFeed
from pack2.cache.sealing import KEY_VARIABLE, Sealer
from pack2.config import Config
from pack2.http.identity import ASGIApp, Identify
from pack2.http.middleware import CacheMiddleware


def from_config(
    app: ASGIApp,
    config: Config,
    *,
    database_url: str,
    redis_url: str | None,
    identify: Identify,
    cache_key: str | None = None,
) -> CacheMiddleware:
    """`app` behind the cache that `config` describes. Everything starts and stops through ASGI lifespan.

    Without `redis_url` each process has its own memory tier alone. `cache_key` is the text of
    PACK2_CACHE_KEY. Raises CacheKeyError where a policy is sensitive and there is no key for it; PolicyError,
    RouteError or TagError for policies that can not work.
    """
    is_sealed = redis_url is not None and any(policy.sensitive for policy in config.http.policy)
    cache = Cache(
        memory_bytes=config.cache.memory_bytes,
        redis_url=redis_url,
        feed=ChangeFeed(database_url),
        namespace=namespace_of(config.cache.namespace, database_url),
    )
    return CacheMiddleware(
        app,
        cache=cache,
        identify=identify,
        policies=config.http.policy,
        session_cookie=config.http.session_cookie,
        max_body_bytes=config.http.max_body_bytes,
        sealer=Sealer.from_text(_key_text(cache_key)) if is_sealed else None,
    )


def _key_text(cache_key: str | None) -> str:
    return os.environ.get(KEY_VARIABLE, "") if cache_key is None else cache_key


def namespace_of(name: str, database_url: str) -> str:
    """`name` bound to the database, so that two databases behind one Redis never share an answer."""
    url = urlsplit(database_url)
    place = f"{url.hostname}:{url.port}{url.path}?{url.query}"
    return f"{name}:{blake2b(place.encode(), digest_size=6).hexdigest()}"
