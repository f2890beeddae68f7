"""The proof's Redis database begins empty, and nobody else's data is emptied for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from pack2.proof import redis_space
from pack2.proof.errors import RedisInUseError
from pack2.services import RedisServer, Services


@pytest.fixture
def server(running_services: Services) -> RedisServer:
    return running_services.redis


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_space.url(server)) as found:
        found.flushdb()
        yield found
        found.flushdb()


def test_leftovers_of_an_earlier_proof_are_gone(server: RedisServer, client: redis.Redis) -> None:
    """On our own server everything in the proof's database goes; other databases stay."""
    client.set("old", "1")
    with redis.Redis.from_url(server.url) as other:
        other.set("kept", "1")
        redis_space.empty(server)
        assert list(client.scan_iter()) == [redis_space.MARK.encode()]
        assert other.delete("kept") == 1


def test_a_foreign_servers_data_is_refused(server: RedisServer, client: redis.Redis) -> None:
    """By URL: an empty database is taken and marked, a marked one emptied, another one left as it is."""
    foreign = RedisServer(url=server.url)
    redis_space.empty(foreign)
    client.set("old", "1")
    redis_space.empty(foreign)
    assert list(client.scan_iter()) == [redis_space.MARK.encode()]
    client.delete(redis_space.MARK)
    client.set("theirs", "1")
    with pytest.raises(RedisInUseError, match="Database 7 of REDIS_URL holds 1 keys"):
        redis_space.empty(foreign)
    assert client.get("theirs") == b"1"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("redis://u:p@localhost:6379", "redis://u:p@localhost:6379/7"),
        ("redis://localhost:6379/0", "redis://localhost:6379/7"),
        ("unix://u:p@/tmp/v.sock", "unix://u:p@/tmp/v.sock?db=7"),
    ],
)
def test_the_database_is_named_in_the_url(given: str, expected: str) -> None:
    """Standalone servers by TCP and by socket."""
    assert redis_space.url(RedisServer(url=given)) == expected
