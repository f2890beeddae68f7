"""The role `pack2` of the embedded PostgreSQL, and what every new database starts with."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from psycopg import sql

from pack2.services.errors import DataDirectoryError, ServerStartError
from pack2.services.state import State

_EXTENSIONS = ("pg_stat_statements", "pg_trgm")


def ensure_role(state: State, address: Callable[[str, str], str]) -> None:
    """Make the role and the extensions where they are missing; `address(role, database)` gives a URL.

    `pack2` owns the databases: it may create some and watch everything, and is no superuser.
    """
    for database in ("template1", "postgres"):
        with _connect(state, address("postgres", database)) as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'pack2'").fetchone() is None:
                password = sql.Literal(state.secret("postgres_pack2"))
                connection.execute(sql.SQL("CREATE ROLE pack2 LOGIN CREATEDB PASSWORD {}").format(password))
                connection.execute("GRANT pg_monitor, pg_checkpoint TO pack2")
            known = {row[0] for row in connection.execute("SELECT extname FROM pg_extension")}
            for name in _EXTENSIONS:
                if name not in known:
                    connection.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(name)))
            connection.execute("GRANT EXECUTE ON FUNCTION pg_stat_statements_reset TO pack2")


def _connect(state: State, url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(url, connect_timeout=10)
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            reason = f"was made with other passwords than those in {state.secrets}"
            raise DataDirectoryError(path=state.postgres, reason=reason) from None
        reason = str(error).strip().splitlines()[0]
        raise ServerStartError(server="PostgreSQL", reason=reason, log=state.log("postgres")) from None
