"""`pack2 cache`: what the Redis tier holds, and purging it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter
from redis import Redis

from pack2.cache import purge as purging
from pack2.cache.errors import PurgeWhatError, RedisUnreachableError
from pack2.cli.database import Json, size
from pack2.config import load_config
from pack2.http.configure import namespace_of
from pack2.services import services

app = App(
    name="cache",
    help="What the Redis tier holds, and a purge that frees it.\n\nExample: `pack2 cache status`",
)
Flag = Annotated[bool, Parameter(negative=())]


@app.command
def status(*, config: Path = Path("pack2.toml"), json: Json = False) -> None:
    """Count entries, expired ones, tags and bytes of this application.

    Example: `pack2 cache status`

    Parameters
    ----------
    config
        The application's configuration.
    json
        Print JSON.
    """
    with _redis(config) as (redis, namespace, _):
        found = purging.status(redis, namespace)
    if json:
        print(msgspec.json.encode(found).decode())
        return
    print(f"{found.entries:,} entries, {size(found.entry_bytes)}, in {found.namespace}")
    print(f"  {found.expired:,} expired, {found.endless:,} without a life; {found.tags:,} tags")
    limit = size(found.maxmemory_bytes) if found.maxmemory_bytes else "no limit"
    print(f"  Redis uses {size(found.used_memory_bytes)} ({limit}, {found.maxmemory_policy})")


@app.command
def purge(
    *,
    tags: str | None = None,
    all: Flag = False,
    expired: Flag = False,
    config: Path = Path("pack2.toml"),
    json: Json = False,
) -> None:
    """Delete entries: the expired ones, those of some tags, or all of this application.

    Other keys of the same Redis are never touched.

    Example: `pack2 cache purge --tags quotes,portfolio:12`

    Parameters
    ----------
    tags
        Expire these tags in every process, with commas between, and delete their entries.
    all
        Expire and delete everything.
    expired
        Delete what is no longer served, and what has no life.
    config
        The application's configuration.
    json
        Print JSON.
    """
    names = [name.strip() for name in (tags or "").split(",") if name.strip()]
    if bool(names) + all + expired != 1:
        raise PurgeWhatError
    with _redis(config) as (redis, namespace, database_url):
        if names:
            done = purging.purge_tags(redis, namespace, database_url, names)
        elif all:
            done = purging.purge_all(redis, namespace, database_url)
        else:
            done = purging.purge_expired(redis, namespace)
    if json:
        print(msgspec.json.encode(done).decode())
    else:
        print(f"{done.deleted:,} of {done.looked_at:,} entries deleted, {size(done.freed_bytes)} freed")


@contextmanager
def _redis(config: Path) -> Iterator[tuple[Redis, str, str]]:
    """A client, this application's namespace, and the database whose change feed its processes hear."""
    loaded: Any = load_config(config)
    with services() as found:
        url = found.postgres.url()
        with Redis.from_url(found.redis.url, socket_timeout=10) as redis, RedisUnreachableError.told():
            yield redis, namespace_of(loaded.cache.namespace, url), url
