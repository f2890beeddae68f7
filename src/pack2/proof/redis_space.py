"""The proof's own Redis database: emptied before it starts, so that nothing older can be hit.

A server by URL is somebody else's: its database is emptied only where an earlier proof left its mark, or
it is empty.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import redis

from pack2.proof.errors import RedisInUseError
from pack2.services import RedisServer

NUMBER = 7
MARK = "pack2:proof"


def url(server: RedisServer) -> str:
    """`server`'s URL with the proof's database in it."""
    parts = urlsplit(server.url)
    if parts.scheme == "unix":
        return parts._replace(query="&".join(filter(None, [parts.query, f"db={NUMBER}"]))).geturl()
    return parts._replace(path=f"/{NUMBER}").geturl()


def empty(server: RedisServer) -> None:
    """Empty the proof's database and mark it. Raises RedisInUseError where its keys are not a proof's."""
    with redis.Redis.from_url(url(server)) as client:
        keys = client.dbsize()
        if server.pid is None and keys and not client.exists(MARK):
            raise RedisInUseError(number=NUMBER, keys=keys)
        client.flushdb()
        client.set(MARK, "1")
