"""The values of the auth room."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Role = Literal["viewer", "trader", "operator"]


class Credentials(msgspec.Struct, frozen=True):
    """What a person types to sign in."""

    email: Annotated[
        str,
        Meta(
            pattern=r"^[^@\s\x00]+@[^@\s\x00]+$",
            max_length=254,
            description="An e-mail address, such as ada@example.com.",
        ),
    ]
    password: Annotated[str, Meta(min_length=1, max_length=256, description="1 to 256 characters.")]


class StoredCredentials(msgspec.Struct, frozen=True):
    """What the database knows about an e-mail address; `password_hash` None: may not sign in."""

    id: int
    password_hash: str | None
    is_test_account: bool


class SessionRow(msgspec.Struct, frozen=True):
    user_id: int
    role: Role
    expires_at: datetime


class GroupedSessionRow(SessionRow, frozen=True):
    has_strategies: bool


class User(msgspec.Struct, frozen=True):
    id: int
    email: str
    name: str
    role: Role


class Session(msgspec.Struct, frozen=True):
    """One open sign-in."""

    id: int
    created_at: datetime
    expires_at: datetime


class SignedIn(msgspec.Struct, frozen=True):
    """The answer to a sign-in; `token` is told this once."""

    token: str
    user: User
    expires_at: datetime


class RecentSignIn(msgspec.Struct, frozen=True):
    """When and from which address somebody signed in."""

    ts: datetime
    address: str | None


class Me(msgspec.Struct, frozen=True):
    """The signed-in user, their open sessions and their last sign-ins."""

    user: User
    sessions: list[Session]
    recent_sign_ins: list[RecentSignIn]
