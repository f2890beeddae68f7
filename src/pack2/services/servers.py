"""The two servers as everybody else sees them: where they are, and databases on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

import psycopg
from psycopg import sql

_END_OWN_SESSIONS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND usename = current_user"""


@dataclass(frozen=True)
class PostgresServer:
    """A PostgreSQL server. `pid` is None where it is not ours to start and stop."""

    address: str = field(repr=False)
    """URL of the application's database, password included."""
    pid: int | None = None

    @property
    def database(self) -> str:
        """The application's database, named by the URL."""
        return unquote(urlsplit(self.address).path.lstrip("/")) or "postgres"

    def url(self, database: str | None = None) -> str:
        """URL of `database` on this server, of the application's one unless told otherwise."""
        if database is None:
            return self.address
        return urlsplit(self.address)._replace(path=f"/{quote(database, safe='')}").geturl()

    def exists(self, database: str) -> bool:
        with self._maintenance() as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            return connection.execute(query, (database,)).fetchone() is not None

    def create_database(self, database: str, *, template: str | None = None) -> str:
        """Create `database`, empty or as a file copy of `template`, and return its URL."""
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
        with self._maintenance() as connection:
            connection.execute(statement)
        return self.url(database)

    def drop_database(self, database: str) -> None:
        """Drop `database` if it is there, and end the sessions in it."""
        with self._maintenance() as connection:
            drop_database(connection, database)

    def rename_database(self, old: str, new: str) -> None:
        """Give `old`, which nobody uses, the name `new`."""
        with self._maintenance() as connection:
            statement = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            connection.execute(statement.format(sql.Identifier(old), sql.Identifier(new)))

    def _maintenance(self) -> psycopg.Connection:
        return psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=10)


@dataclass(frozen=True)
class RedisServer:
    """A Valkey or Redis server: `unix://…` or `redis://…`. `pid` is None where it is not ours."""

    url: str = field(repr=False)
    pid: int | None = None


def drop_database(connection: psycopg.Connection, database: str) -> None:
    """Drop `database` if it is there, and end the sessions in it; `connection` is in another one, autocommit.

    FORCE is refused while autovacuum, a superuser's work, is in there; a plain drop makes that give way.
    """
    drop = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(database))
    try:
        connection.execute(drop + sql.SQL(" WITH (FORCE)"))
    except psycopg.errors.InsufficientPrivilege:
        connection.execute(_END_OWN_SESSIONS, (database,))
        connection.execute(drop)
