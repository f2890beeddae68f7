"""What the Redis tier holds, and a purge that really frees it: by SCAN in small steps, never KEYS or FLUSHDB.

An entry whose tags were expired is never served again but stays until its life ends. It is found by its
generations: those that no tag has any more. Tags are read again before anything is deleted, and an entry that
was stored anew meanwhile is left alone, so a purge beside a busy application deletes nothing that is fresh.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any, Final

import msgspec
from redis import Redis

from pack2.cache.feed import CHANNEL, EVERYTHING, check_tag, payloads
from pack2.cache.redis_tier import FORMAT
from pack2.database.connection import connect

STEP: Final = 500
MOST_SUSPECTS: Final = 10_000

# KEYS entry; ARGV the generations that it had. Deleted only while it still has them; returns its bytes.
DELETE = """
if redis.call('HGET', KEYS[1], 'g') ~= ARGV[1] then return -1 end
local size = redis.call('MEMORY', 'USAGE', KEYS[1])
redis.call('UNLINK', KEYS[1])
return size or 0
"""


class CacheStatus(msgspec.Struct, frozen=True):
    """What a namespace holds. `expired` entries are no longer served; `endless` ones have no life."""

    namespace: str
    entries: int
    expired: int
    endless: int
    entry_bytes: int
    tags: int
    leases: int
    used_memory_bytes: int
    maxmemory_bytes: int
    maxmemory_policy: str


class Purged(msgspec.Struct, frozen=True):
    """What a purge did: entries looked at and deleted, what they took, tags that were expired."""

    looked_at: int
    deleted: int
    freed_bytes: int
    tags: int


def status(redis: Redis, namespace: str) -> CacheStatus:
    """Count; two scans of the namespace, nothing is changed."""
    live = _live(redis, namespace)
    entries = expired = endless = size = 0
    for keys in _scan(redis, namespace, "e:*"):
        for _, generations, life_ms, taken in _look(redis, keys):
            entries += 1
            expired += not _is_fresh(generations, live)
            endless += life_ms == -1
            size += taken
    memory: Any = redis.info("memory")
    return CacheStatus(
        namespace=namespace,
        entries=entries,
        expired=expired,
        endless=endless,
        entry_bytes=size,
        tags=sum(len(keys) for keys in _scan(redis, namespace, "t:*")),
        leases=sum(len(keys) for keys in _scan(redis, namespace, "l:*")),
        used_memory_bytes=int(memory.get("used_memory", 0)),
        maxmemory_bytes=int(memory.get("maxmemory", 0)),
        maxmemory_policy=str(memory.get("maxmemory_policy", "")),
    )


def purge_expired(redis: Redis, namespace: str) -> Purged:
    """Delete the entries that are no longer served, and those without a life."""
    delete = redis.register_script(DELETE)
    live = _live(redis, namespace)
    looked_at = deleted = freed = 0
    suspects: list[tuple[bytes, bytes]] = []

    def settle() -> None:
        nonlocal deleted, freed, live
        live = _live(redis, namespace)
        for key, generations in suspects:
            if generations.endswith(b"!") or not _is_fresh(generations, live):
                size = int(delete(keys=[key], args=[generations.removesuffix(b"!")]))
                deleted += size >= 0
                freed += max(size, 0)
        suspects.clear()

    for keys in _scan(redis, namespace, "e:*"):
        for key, generations, life_ms, _ in _look(redis, keys, with_size=False):
            looked_at += 1
            if life_ms == -1:
                suspects.append((key, generations + b"!"))
            elif not _is_fresh(generations, live):
                suspects.append((key, generations))
        if len(suspects) >= MOST_SUSPECTS:
            settle()
    settle()
    return Purged(looked_at=looked_at, deleted=deleted, freed_bytes=freed, tags=0)


def purge_tags(redis: Redis, namespace: str, database_url: str, tags: Iterable[str]) -> Purged:
    """Expire `tags` in every process and in Redis, then delete what they were on. Raises TagError."""
    names = [check_tag(tag) for tag in tags]
    with connect(database_url) as connection:
        for payload in payloads(names):
            connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))
    prefix = _prefix(namespace)
    redis.unlink(*(f"{prefix}t:{blake2b(name.encode(), digest_size=12).hexdigest()}" for name in names))
    return msgspec.structs.replace(purge_expired(redis, namespace), tags=len(names))


def purge_all(redis: Redis, namespace: str, database_url: str) -> Purged:
    """Expire everything in every process, then delete every entry of the namespace."""
    redis.set(_prefix(namespace) + "incarnation", secrets.token_hex(8))
    with connect(database_url) as connection:
        connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, EVERYTHING))
    return purge_expired(redis, namespace)


def _live(redis: Redis, namespace: str) -> set[bytes]:
    """The generations that tags have now, and the incarnation."""
    found = {_of(redis.get(_prefix(namespace) + "incarnation"))}
    for keys in _scan(redis, namespace, "t:*"):
        values: Any = redis.mget(keys)
        found.update(value for value in values if value is not None)
    return found


def _of(value: Any) -> bytes:
    return value if isinstance(value, bytes) else b""


def _is_fresh(generations: bytes, live: set[bytes]) -> bool:
    return all(generation in live for generation in generations.split(b","))


def _look(
    redis: Redis, keys: list[bytes], *, with_size: bool = True
) -> Iterator[tuple[bytes, bytes, int, int]]:
    """(key, generations, life in ms: -1 without, bytes) of the entries that are still there."""
    with redis.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.hget(key, "g")
            pipeline.pttl(key)
            if with_size:
                pipeline.memory_usage(key)
        found = pipeline.execute()
    width = 3 if with_size else 2
    for index, key in enumerate(keys):
        generations, life_ms, *size = found[index * width : (index + 1) * width]
        if generations is not None:
            yield key, generations, life_ms, int(size[0] or 0) if size else 0


def _scan(redis: Redis, namespace: str, pattern: str) -> Iterator[list[bytes]]:
    """The keys that match, step by step; SCAN may name a key twice, within a step it is there once."""
    match = "".join(f"\\{c}" if c in "*?[]\\" else c for c in _prefix(namespace)) + pattern
    cursor: Any = 0
    while True:
        answer: Any = redis.scan(cursor, match=match, count=STEP)
        cursor, keys = answer
        if keys:
            yield list(dict.fromkeys(keys))
        if cursor == 0:
            return


def _prefix(namespace: str) -> str:
    return f"{namespace}:{FORMAT}:"
