"""Passwords: argon2id (RFC 9106, section 4, second recommendation), off the event loop, a few at a time.

A hash costs tens of milliseconds of CPU and 64 MiB; the bound on waiting ones keeps a flood of sign-ins from
taking the worker.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from adaf.problem import Unavailable

_hasher = PasswordHasher()
_NOBODY = _hasher.hash("")


def hash_password(password: str) -> str:
    """The argon2id hash of `password`, in PHC string format; blocks for tens of milliseconds."""
    return _hasher.hash(password)


class PasswordCheck:
    """Verifies passwords in `threads` threads; beyond `waiting` unfinished ones it raises Unavailable."""

    def __init__(self, threads: int = 2, waiting: int = 64) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._waiting = waiting
        self._unfinished = 0

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether `password` is the one; takes the same time when there is no hash to compare with."""
        if self._unfinished >= self._waiting:
            raise Unavailable("Too many people sign in at this moment; try again.", retry_after_seconds=2)
        self._unfinished += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, _matches, password_hash, password)
        finally:
            self._unfinished -= 1

    async def stop(self) -> None:
        """Let go of the threads."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _matches(password_hash: str | None, password: str) -> bool:
    try:
        _hasher.verify(password_hash or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None
