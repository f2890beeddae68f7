"""Who may sign in to the sample: passwords are made on the machine and never part of the data's bytes."""

from __future__ import annotations

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from psycopg import sql

from adaf.sample.holdings import Connection


class Passwords(msgspec.Struct, frozen=True):
    """Plain passwords of the three named users, and the one that all test accounts share."""

    viewer: str
    trader: str
    operator: str
    test_accounts: str


SIGN_INS = {
    "viewer": "email = 'viewer@adaf.test'",
    "trader": "email = 'trader@adaf.test'",
    "operator": "email = 'operator@adaf.test'",
    "test_accounts": "is_test_account",
}
"""The sign-ins by name, each with the SQL condition that finds its users."""


def set_passwords(connection: Connection, passwords: Passwords) -> list[str]:
    """Make `passwords` the valid ones; return the names of those that were not. Their users' sessions end.

    Test accounts share one argon2id hash: one hash costs tens of milliseconds, and nothing that they own is
    secret.
    """
    changed = [name for name in SIGN_INS if not _is_valid(connection, name, getattr(passwords, name))]
    for name in changed:
        where = sql.SQL(SIGN_INS[name])
        hashed = PasswordHasher().hash(getattr(passwords, name))
        connection.execute(sql.SQL("UPDATE users SET password_hash = %s WHERE {}").format(where), (hashed,))
        connection.execute(
            sql.SQL(
                "DELETE FROM sessions WHERE expires_at > now() AND user_id IN (SELECT id FROM users WHERE {})"
            ).format(where)
        )
    return changed


def _is_valid(connection: Connection, name: str, password: str) -> bool:
    query = sql.SQL("SELECT DISTINCT password_hash FROM users WHERE {}").format(sql.SQL(SIGN_INS[name]))
    hashes = [row[0] for row in connection.execute(query)]
    try:
        return len(hashes) == 1 and hashes[0] is not None and PasswordHasher().verify(hashes[0], password)
    except (VerificationError, InvalidHashError):
        return False
