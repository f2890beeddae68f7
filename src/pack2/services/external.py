"""Servers by URL: each thing that must hold is checked before it is needed, and told in one line."""

from __future__ import annotations

from urllib.parse import urlsplit

import psycopg
import redis

from pack2.services.errors import ServerUnreachableError
from pack2.services.servers import PostgresServer, RedisServer

OLDEST_POSTGRES = 140000
OLDEST_REDIS = (6, 2)


def find_postgres(url: str) -> PostgresServer:
    """The server of DATABASE_URL, if it answers and is PostgreSQL 14 or newer."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise _refused("DATABASE_URL", url, "it does not start with postgresql://")
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            version = connection.info.server_version
    except (psycopg.Error, UnicodeError) as error:
        raise _refused("DATABASE_URL", url, _first_line(error)) from None
    if version < OLDEST_POSTGRES:
        reason = f"it is PostgreSQL {version // 10000}, and 14 or newer is needed"
        raise _refused("DATABASE_URL", url, reason)
    return PostgresServer(address=url)


def require_rights(server: PostgresServer) -> None:
    """What a measurement needs besides a database: the right to create databases, and pg_stat_statements."""
    url = server.address
    with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
        query = "SELECT rolcreatedb OR rolsuper, current_user FROM pg_roles WHERE rolname = current_user"
        may_create, role = connection.execute(query).fetchone() or (False, "")
        if not may_create:
            reason = f'its role may not create databases: as a superuser, `ALTER ROLE "{role}" CREATEDB`'
            raise _refused("DATABASE_URL", url, reason)
        try:
            connection.execute("SELECT 1 FROM pg_stat_statements LIMIT 1")
        except psycopg.errors.UndefinedTable:
            reason = "pg_stat_statements is missing: as a superuser, `CREATE EXTENSION pg_stat_statements`"
            raise _refused("DATABASE_URL", url, reason) from None
        except psycopg.errors.ObjectNotInPrerequisiteState:
            reason = (
                "pg_stat_statements is not loaded: `ALTER SYSTEM SET "
                "shared_preload_libraries = 'pg_stat_statements'` and restart the server"
            )
            raise _refused("DATABASE_URL", url, reason) from None


def find_redis(url: str) -> RedisServer:
    """The server of REDIS_URL, if it answers and is Redis 6.2 or newer, or Valkey."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
            version = str(client.info("server")["redis_version"])
    except (redis.RedisError, ValueError, OSError) as error:
        raise _refused("REDIS_URL", url, _first_line(error)) from None
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        raise _refused("REDIS_URL", url, f"it is version {version}, and 6.2 or newer is needed")
    return RedisServer(url=url)


def _refused(variable: str, url: str, reason: str) -> ServerUnreachableError:
    """Names the server without its password."""
    address = url.rpartition("@")[2].partition("?")[0] if "@" in url else urlsplit(url).netloc
    return ServerUnreachableError(variable=variable, where=address or "no server", reason=reason)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].removeprefix("connection failed: ").rstrip(".")
