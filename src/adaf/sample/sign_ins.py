"""The sign-ins of a loaded sample as a list, and a new password for one of them."""

from __future__ import annotations

import msgspec
from psycopg import sql

from adaf.sample.holdings import Connection, find_sample
from adaf.sample.passwords import SIGN_INS, set_passwords
from adaf.sample.target import Target, stored_passwords
from pack2.database.connection import connect
from pack2.errors import Pack2Error


class NoSampleError(Pack2Error):
    """The database holds no sample yet, so nobody can sign in. Run `adaf load` first."""


class SignIn(msgspec.Struct, frozen=True, omit_defaults=True):
    """One sign-in: an account, or the test accounts, which share a password."""

    name: str
    email: str  # of the first account
    role: str
    accounts: int
    password: str | None = None  # where asked for


def sign_ins(target: Target, *, show_passwords: bool) -> list[SignIn]:
    """Everyone who may sign in. Raises NoSampleError."""
    passwords = stored_passwords(target.state)
    with connect(target.url) as connection:
        _require_sample(connection)
        return [
            SignIn(name, *_accounts(connection, name), getattr(passwords, name) if show_passwords else None)
            for name in SIGN_INS
        ]


def reset(target: Target, name: str) -> None:
    """Give `name` (a key of SIGN_INS) a new generated password; its sessions end. Raises NoSampleError."""
    with connect(target.url) as connection, connection.transaction():
        _require_sample(connection)
        target.state.renew_secret(name)
        set_passwords(connection, stored_passwords(target.state))


def _require_sample(connection: Connection) -> None:
    if find_sample(connection) is None:
        raise NoSampleError


def _accounts(connection: Connection, name: str) -> tuple[str, str, int]:
    """E-mail of the first, role, count."""
    query = sql.SQL("SELECT min(email), min(role), count(*) FROM users WHERE {}").format(
        sql.SQL(SIGN_INS[name])
    )
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0], row[1], row[2]
