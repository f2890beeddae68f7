"""Builds the middleware, its cache and its change feed from `pack2.toml`; starts and stops them with the application."""

from __future__ import annotations

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
    credential: str | None = None,
) -> CacheMiddleware:
    """`app` behind the cache that `config` describes. Everything starts and stops through ASGI lifespan.

    `credential` is the name of the session cookie; `Authorization: Bearer` is always understood.
    """
    raise NotImplementedError
