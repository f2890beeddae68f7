"""Password hashing."""

from __future__ import annotations

import asyncio

import pytest

from adaf.auth.passwords import PasswordCheck, hash_password
from adaf.problem import Unavailable


def test_a_hash_is_argon2id_with_its_own_salt() -> None:
    """RFC 9106's second recommended parameters, and no two hashes alike."""
    first, second = hash_password("secret"), hash_password("secret")
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert first != second


async def test_only_the_right_password_matches() -> None:
    """Wrong, empty, malformed and missing hashes are all simply no match."""
    check = PasswordCheck()
    right = hash_password("päss\x00wörd")
    assert await check.matches(right, "päss\x00wörd")
    assert not await check.matches(right, "päss")
    assert not await check.matches(None, "")
    assert not await check.matches("not a hash", "x")
    await check.stop()


async def test_a_flood_is_refused() -> None:
    """Beyond the bound a sign-in is told to come again, and the ones before it are answered."""
    check = PasswordCheck(threads=1, waiting=2)
    waiting = [asyncio.ensure_future(check.matches(None, "x")) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await check.matches(None, "x")
    assert await asyncio.gather(*waiting) == [False, False]
    assert not await check.matches(None, "x")
    await check.stop()
