"""`adaf users`: who may sign in to the sample, and with which password."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from adaf.sample.sign_ins import SignIn, reset, sign_ins
from adaf.sample.target import target


def run(
    *,
    reset_name: Annotated[
        Literal["viewer", "trader", "operator", "test_accounts"] | None, Parameter(name="--reset")
    ] = None,
    show_passwords: bool = False,
    database_url: str | None = None,
    json: bool = False,
) -> None:
    """List who may sign in, and where the generated passwords are kept.

    Example: `adaf users --show-passwords`

    Parameters
    ----------
    reset_name
        Give this sign-in a new password and end its sessions.
    show_passwords
        Print the passwords too.
    database_url
        The database; DATABASE_URL unless told otherwise, else the embedded one.
    json
        Print as JSON.
    """
    with target(database_url) as found:
        if reset_name is not None:
            reset(found, reset_name)
        listed = sign_ins(found, show_passwords=show_passwords)
    if json:
        print(msgspec.json.encode(listed).decode())
    else:
        _print(listed, str(found.state.secrets), show_passwords=show_passwords)


def _print(listed: list[SignIn], path: str, *, show_passwords: bool) -> None:
    table = Table("sign-in", "role", "accounts", *(["password"] if show_passwords else []))
    for each in listed:
        table.add_row(each.email, each.role, str(each.accounts), *([each.password] if show_passwords else []))
    Console(width=100).print(table)
    print(f"passwords are in {path}")
