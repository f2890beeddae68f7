"""The fixtures that every other test stands on."""

from __future__ import annotations

import psycopg
import redis


def test_a_fresh_database_has_the_extensions_and_an_ordinary_owner(database: str) -> None:
    """A new database has pg_stat_statements and pg_trgm, and its owner is no superuser."""
    with psycopg.connect(database) as connection:
        extensions = {row[0] for row in connection.execute("SELECT extname FROM pg_extension")}
        superuser = connection.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        connection.execute("SELECT pg_stat_statements_reset()")
        connection.execute("CREATE TABLE t (id int)")
    assert {"pg_stat_statements", "pg_trgm"} <= extensions
    assert superuser == (False,)


def test_the_cache_server_keeps_what_it_is_given(redis_url: str) -> None:
    """The shared Valkey answers to the generated password."""
    with redis.Redis.from_url(redis_url) as client:
        client.set("services:probe", b"1", ex=60)
        assert client.get("services:probe") == b"1"
