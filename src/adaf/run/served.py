"""The database that is served: a tuned copy of the loaded sample, or the one that DATABASE_URL names."""

from __future__ import annotations

import psycopg

from pack2.errors import Pack2Error
from pack2.services import PostgresServer


class NotLoadedError(Pack2Error):
    """The database {database} holds no dashboard yet. Run `adaf load` first, or `make run`."""


def is_loaded(server: PostgresServer, database: str | None = None) -> bool:
    """True where `database` has the dashboard's tables: loading is one transaction, all or none."""
    name = database or server.database
    if name != server.database and not server.exists(name):
        return False
    try:
        with psycopg.connect(server.url(name), connect_timeout=10) as connection:
            return connection.execute("SELECT to_regclass('public.assets') IS NOT NULL").fetchone() == (True,)
    except psycopg.OperationalError:
        return False


def require_loaded(server: PostgresServer) -> None:
    """Raises NotLoadedError where there is nothing to serve."""
    if not is_loaded(server):
        raise NotLoadedError(database=server.database)
