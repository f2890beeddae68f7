"""What can be wrong with a command about the cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from pack2.errors import Pack2Error


class PurgeWhatError(Pack2Error):
    """Say what to purge, one of `--expired`, `--tags a,b` and `--all`."""


class RedisUnreachableError(Pack2Error):
    """Redis does not answer as it should ({reason}). Check REDIS_URL; its user must be allowed SCAN and
    UNLINK.
    """

    @classmethod
    @contextmanager
    def told(cls) -> Iterator[None]:
        """Errors of Redis as this one."""
        try:
            yield
        except RedisError as error:
            raise cls(reason=str(error) or type(error).__name__) from None
