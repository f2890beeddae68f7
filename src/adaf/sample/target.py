"""Where data is loaded or imported: the database of a URL, else the embedded one; and whose passwords are
used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from adaf.sample.passwords import Passwords
from pack2.services import State, open_state, services
from pack2.services.external import find_postgres


@dataclass(frozen=True)
class Target:
    """A database that answers, and the state folder that keeps the passwords."""

    url: str
    state: State


@contextmanager
def target(database_url: str | None) -> Iterator[Target]:
    """The database at `database_url`, else at DATABASE_URL, else the embedded server's, created where it is
    missing.
    """
    url = database_url or os.environ.get("DATABASE_URL")
    if url:
        yield Target(find_postgres(url).url(), open_state())
        return
    with services() as found:
        server = found.postgres
        if not server.exists(server.database):
            server.create_database(server.database)
        yield Target(server.url(), found.state)


def stored_passwords(state: State) -> Passwords:
    """The passwords in the state folder, generated at first use; ADAF_TEST_PASSWORD overrides the test
    accounts'.
    """
    return Passwords(
        viewer=state.secret("viewer"),
        trader=state.secret("trader"),
        operator=state.secret("operator"),
        test_accounts=os.environ.get("ADAF_TEST_PASSWORD") or state.secret("test_accounts"),
    )
