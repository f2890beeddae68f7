"""Who is asking: the one value that the application and the cache must agree on.

The application's `identify(scope)` answers it; everything private is keyed by `user_id` and nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

import msgspec

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

IDENTITY_KEY = "pack2.identity"
SOURCE_KEY = "pack2.source"
"""Where the middleware writes what it answered from: one of the cache's outcomes."""


class Identity(msgspec.Struct, frozen=True):
    """A signed-in user. `session_tag` (`session:7`) expires it; `expires_at` is absolute, in unix seconds.

    Users of one `group` are given the same answers on routes whose scope is `group` (a tenant, a plan, all
    who own nothing of their own); None: nobody else is.
    """

    user_id: str
    roles: frozenset[str]
    session_tag: str
    expires_at: float
    group: str | None = None


Identify: TypeAlias = Callable[[Scope], Awaitable[Identity | None]]
