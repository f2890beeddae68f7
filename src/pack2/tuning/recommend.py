"""One list of what would help, from what the servers measured themselves; the dearest first."""

from __future__ import annotations

from pack2.config import Config
from pack2.tuning.database import of_database
from pack2.tuning.policies import of_policies
from pack2.tuning.recommendation import AREAS, Recommendation
from pack2.tuning.servers import of_postgres, of_redis


def recommend(config: Config, *, database_url: str, redis_url: str) -> tuple[Recommendation, ...]:
    """Every recommendation, by weight within its area. Raises DatabaseUnreachableError,
    StatementsMissingError."""
    found = (
        *of_database(database_url),
        *of_policies(config.http.policy, config.cache),
        *of_postgres(database_url),
        *of_redis(redis_url),
    )
    return tuple(sorted(found, key=lambda one: (AREAS.index(one.area), -one.weight_seconds, one.subject)))
