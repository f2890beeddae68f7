"""No answer ever reaches another user, and none is older than the bound: judged by an oracle, request by
request.
"""

from __future__ import annotations

import pytest
from notebook import world
from oracle import Fuzz

import pack2.http.middleware as middleware
from pack2.cache import Cache
from pack2.http.request import key_of

USERS = 20


async def fuzz(database: str, redis_url: str | None, requests: int, seed: int = 7) -> Fuzz:
    async with world(database, redis_url, users=USERS, workers=2) as made:
        run = Fuzz(made, users=USERS, seed=seed)
        await run.run(requests, clients=40)
    return run


async def test_every_answer_is_the_askers_and_fresh(database: str, redis_url: str) -> None:
    """Of 12,000 requests to two workers, with writes, sign-ins and sign-outs between, none is wrong or too
    old.
    """
    run = await fuzz(database, redis_url, 12_000)
    assert run.violations == []
    assert run.asked >= 12_000
    assert run.hits > 3_000


async def test_without_redis_every_answer_is_the_askers_and_fresh(database: str) -> None:
    """The same holds for workers that share nothing but the change feed."""
    run = await fuzz(database, None, 3_000)
    assert run.violations == []


async def test_the_oracle_sees_a_key_without_the_user(
    database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dropping the user from the key is found at once: the oracle can fail."""

    def without_user(*arguments: object) -> tuple[object, ...]:
        path, query, host, scheme, _, *rest = key_of(*arguments)  # type: ignore[arg-type]
        return (path, query, host, scheme, "", *rest)

    monkeypatch.setattr(middleware, "key_of", without_user)
    run = await fuzz(database, redis_url, 1_000)
    assert any("got what is" in violation for violation in run.violations)


async def test_the_oracle_sees_a_tag_that_is_not_expired(
    database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache that does not expire is found: by old versions, and by tokens that outlive their sign-out."""
    monkeypatch.setattr(Cache, "expire_here", lambda *_: None)
    run = await fuzz(database, redis_url, 1_000)
    assert any("was known" in violation for violation in run.violations)
    assert any("signed-out token" in violation for violation in run.violations)


async def test_the_oracle_sees_a_redis_that_is_read_too_early(
    database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that expires only its memory reads old answers back from Redis."""
    monkeypatch.setattr("pack2.cache.redis_tier.RedisTier.advance", lambda *_: None)
    run = await fuzz(database, redis_url, 2_000)
    assert any("was known" in violation for violation in run.violations)
