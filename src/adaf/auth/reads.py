"""What the auth room reads."""

from __future__ import annotations

from adaf.auth.models import Me, RecentSignIn, Session, StoredCredentials, User
from adaf.database import Database
from adaf.problem import NotSignedIn


async def me(db: Database, user_id: int) -> Me:
    return Me(
        user=await user(db, user_id),
        sessions=await db.fetch("sessions_of_user", user_id, type=Session),
        recent_sign_ins=await db.fetch("recent_sign_ins", user_id, 5, type=RecentSignIn),
    )


async def user(db: Database, user_id: int) -> User:
    """The user's profile. Raises NotSignedIn when the account is gone."""
    found = await db.one("user_profile", user_id, type=User)
    if found is None:
        raise NotSignedIn
    return found


async def credentials(db: Database, email: str) -> StoredCredentials | None:
    return await db.one("user_credentials", email, type=StoredCredentials)
