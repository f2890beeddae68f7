"""Who asks: found out once, told to the application, forgotten with the session."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cache_site import Site

from pack2.http import IDENTITY_KEY, Identity


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    async with made.cache:
        yield made


async def test_identities_are_asked_once_and_told_to_the_application(site: Site) -> None:
    """Also on routes without a policy, where one is known."""
    await site.get("/private")
    await site.get("/none")
    assert site.identified == 1
    assert site.scopes[-1][IDENTITY_KEY].user_id == "7"
    await site.get("/none", "8")
    assert IDENTITY_KEY not in site.scopes[-1]


async def test_a_sign_out_ends_the_identity_at_once(site: Site) -> None:
    """By its tag; the others stay known."""
    for user in ("7", "8"):
        await site.get("/private", user)
    site.signed_out.add("7")
    site.cache.expire_here(["session:7"])
    assert (await site.get("/private", "7")).cache_status.endswith("anonymous")
    assert (await site.get("/private", "8")).is_hit
    assert site.identified == 3


async def test_an_identity_that_was_expired_while_it_was_asked_is_not_kept(site: Site) -> None:
    """A sign-out in the middle of the question is not lost."""
    real = site.identify

    async def slow(scope: Any) -> Identity | None:
        identity = await real(scope)
        site.signed_out.add("7")
        site.cache.expire_here(["session:7"])
        return identity

    site.http._identities._identify = slow
    await site.get("/private")
    site.http._identities._identify = real
    assert (await site.get("/private")).cache_status.endswith("anonymous")


async def test_an_identity_ends_at_its_time(site: Site) -> None:
    """Absolute, however often it is used."""

    async def ended(_scope: Any) -> Identity:
        return Identity("7", frozenset(), "session:7", time.time() - 1)

    site.http._identities._identify = ended
    assert (await site.get("/private")).cache_status.endswith("anonymous")


async def test_while_the_feed_is_unproved_everything_is_asked(site: Site) -> None:
    """Entries, identities and loads under way are not used."""
    await site.get("/private")
    site.cache.trusted_until = 0.0
    for _ in range(2):
        assert (await site.get("/private")).cache_status == "pack2; fwd=bypass; detail=unproved"
    assert (site.handled, site.identified) == (3, 3)


async def test_identify_that_fails_leaves_the_answer_to_the_application(site: Site) -> None:
    """It tells its own error; the identity is not said to be nobody."""
    reply = await site.get("/private", "broken")
    assert reply.cache_status.endswith("anonymous")
    assert IDENTITY_KEY not in site.scopes[-1]


async def test_a_credential_is_kept_nowhere(site: Site) -> None:
    """Neither in keys nor in what is known of identities."""
    await site.get("/private", "s3cr3t-token")
    kept = repr(list(site.http._identities._known)) + repr(site.cache.statistics())
    assert "s3cr3t" not in kept
