"""One list of what would help, from what the servers measured themselves; the dearest first."""

from __future__ import annotations

from redis import Redis

from pack2.cache.errors import RedisUnreachableError
from pack2.cache.observed import observations
from pack2.config import Config
from pack2.http.configure import namespace_of
from pack2.tuning.database import of_database
from pack2.tuning.lifetimes import of_observations
from pack2.tuning.policies import of_policies
from pack2.tuning.recommendation import AREAS, Recommendation
from pack2.tuning.servers import of_postgres, of_redis, of_workers


def recommend(config: Config, *, database_url: str, redis_url: str) -> tuple[Recommendation, ...]:
    """Every recommendation, by weight within its area. Raises DatabaseUnreachableError,
    StatementsMissingError."""
    found = (
        *of_database(database_url),
        *of_policies(config.http.policy, config.cache),
        *_lifetimes(config, database_url, redis_url),
        *of_postgres(database_url),
        *of_workers(database_url),
        *of_redis(redis_url),
    )
    return tuple(sorted(found, key=lambda one: (AREAS.index(one.area), -one.weight_seconds, one.subject)))


def _lifetimes(config: Config, database_url: str, redis_url: str) -> tuple[Recommendation, ...]:
    with Redis.from_url(redis_url, socket_timeout=10) as redis, RedisUnreachableError.told():
        seen = observations(redis, namespace_of(config.cache.namespace, database_url))
    return of_observations(config.http.policy, seen)
