"""What the dashboard needs from its surroundings, read once from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec


class Settings(msgspec.Struct, frozen=True):
    """The application's settings; each comes from the environment variable in its comment."""

    database_url: str  # DATABASE_URL
    redis_url: str | None = None  # REDIS_URL
    pack2: bool = True  # PACK2=off: the same application without the performance pack
    pack2_config: str = "pack2.toml"  # PACK2_CONFIG
    pool_connections: int = 8  # ADAF_POOL_CONNECTIONS, a worker
    secure_cookies: bool = False  # ADAF_SECURE_COOKIES=on: where TLS ends at a proxy in front
    session_seconds: int = 12 * 3600  # ADAF_SESSION_SECONDS: absolute life of a sign-in


def from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from `environ`. Raises KeyError when DATABASE_URL is missing."""
    return Settings(
        database_url=environ["DATABASE_URL"],
        redis_url=environ.get("REDIS_URL") or None,
        pack2=environ.get("PACK2", "on") != "off",
        pack2_config=environ.get("PACK2_CONFIG", "pack2.toml"),
        pool_connections=int(environ.get("ADAF_POOL_CONNECTIONS", "8")),
        secure_cookies=environ.get("ADAF_SECURE_COOKIES", "off") == "on",
        session_seconds=int(environ.get("ADAF_SESSION_SECONDS", str(12 * 3600))),
    )
