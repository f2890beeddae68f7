"""Puts the change feed's triggers into a database, takes them out, and tells what is there.

All in one transaction: a table is never announced by half.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from psycopg import DataError, ProgrammingError
from psycopg.sql import SQL

from pack2.cache.triggers import ANNOUNCE, PREFIX, FeedError, Trigger, check, quote, tags_query, triggers_of
from pack2.config import FeedTable
from pack2.database.connection import Connection, connect, exclusive, with_retries

_FOUND = """
SELECT n.nspname || '.' || c.relname, substr(t.tgname, %(length)s), pn.nspname || '.' || p.proname,
       coalesce(obj_description(t.oid, 'pg_trigger'), ''), t.tgenabled <> 'D'
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_proc p ON p.oid = t.tgfoid
JOIN pg_namespace pn ON pn.oid = p.pronamespace
WHERE NOT t.tgisinternal AND starts_with(t.tgname, %(prefix)s) AND starts_with(p.proname, %(prefix)s)
ORDER BY 1, 2
"""
_FUNCTIONS = """
SELECT p.oid::regprocedure::text FROM pg_proc p
WHERE (starts_with(p.proname, %(prefix)s) AND p.prorettype = 'trigger'::regtype)
   OR (p.proname = 'pack2_announce' AND pg_get_function_arguments(p.oid) = 'VARIADIC tags text[]')
"""


class TriggerState(msgspec.Struct, frozen=True):
    """One trigger as it stands: applied, missing, changed (another version), disabled, or left over."""

    table: str
    event: str
    state: str


class _Found(msgspec.Struct, frozen=True):
    function: str
    version: str
    is_enabled: bool


def apply(url: str, feeds: Sequence[FeedTable]) -> list[TriggerState]:
    """Bring the triggers of `feeds` about and remove those of tables no longer listed; twice is as once.

    Raises FeedError for a table, column or tags_sql that the database does not have.
    """
    with connect(url) as connection, exclusive(connection, "feed"):
        wanted = _wanted(connection, feeds)

        def change() -> None:
            with connection.transaction():
                _change(connection, wanted)

        with_retries(connection, "the change feed's triggers", change)
        return _states(connection, wanted)


def rollback(url: str) -> int:
    """Remove every trigger and function of the change feed; the number of triggers removed."""
    with connect(url) as connection, exclusive(connection, "feed"):
        found = _found(connection)

        def change() -> None:
            with connection.transaction():
                for table, event in found:
                    connection.execute(_sql(f"DROP TRIGGER {PREFIX}{event} ON {quote(table)}"))
                for (function,) in connection.execute(_FUNCTIONS, {"prefix": PREFIX}).fetchall():
                    connection.execute(_sql(f"DROP FUNCTION {function}"))

        with_retries(connection, "the change feed's triggers", change)
        return len(found)


def status(url: str, feeds: Sequence[FeedTable]) -> list[TriggerState]:
    """Every trigger that `feeds` want or the database has."""
    with connect(url) as connection:
        return _states(connection, _wanted(connection, feeds))


def _change(connection: Connection, wanted: dict[tuple[str, str], Trigger]) -> None:
    found = _found(connection)
    schema = _schema(connection)
    connection.execute(_sql(ANNOUNCE.format(schema=quote(schema))))
    for place in found.keys() - wanted.keys():
        connection.execute(_sql(f"DROP TRIGGER {PREFIX}{place[1]} ON {quote(place[0])}"))
    for place, trigger in wanted.items():
        if place in found and _state(found[place], trigger) == "applied":
            continue
        connection.execute(_sql(trigger.function_sql))
        connection.execute(_sql(f"REVOKE ALL ON FUNCTION {quote(trigger.function)}() FROM PUBLIC"))
        connection.execute(_sql(trigger.trigger_sql))
        connection.execute(_sql(f"ALTER TABLE {quote(trigger.table)} ENABLE TRIGGER {trigger.name}"))
        comment = f"COMMENT ON TRIGGER {trigger.name} ON {quote(trigger.table)} IS '{trigger.version}'"
        connection.execute(_sql(comment))
    functions = {trigger.function for trigger in wanted.values()}
    for place in found.keys() - wanted.keys():
        if found[place].function not in functions:
            connection.execute(_sql(f"DROP FUNCTION IF EXISTS {quote(found[place].function)}()"))


def _wanted(connection: Connection, feeds: Sequence[FeedTable]) -> dict[tuple[str, str], Trigger]:
    announce = f"{_schema(connection)}.pack2_announce"
    wanted: dict[tuple[str, str], Trigger] = {}
    for feed in feeds:
        check(feed)
        schema, tables = _tables(connection, feed)
        _try(connection, feed, f"{schema}.{feed.table.split('.')[-1]}")
        for trigger in triggers_of(feed, schema, tables, announce):
            if (trigger.table, trigger.event) in wanted:
                raise FeedError(table=feed.table, reason="it is listed twice")
            wanted[trigger.table, trigger.event] = trigger
    return wanted


def _tables(connection: Connection, feed: FeedTable) -> tuple[str, list[str]]:
    """The schema of the table, and the table with all its partitions."""
    rows = connection.execute(
        "SELECT n.nspname, n.nspname || '.' || c.relname FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.oid = to_regclass(%(table)s) OR c.oid IN"
        " (SELECT relid FROM pg_partition_tree(to_regclass(%(table)s)))"
        " ORDER BY c.oid <> to_regclass(%(table)s), 2",
        {"table": quote(feed.table)},
    ).fetchall()
    if not rows:
        raise FeedError(table=feed.table, reason="there is no such table in this database")
    return rows[0][0], [row[1] for row in rows]


def _try(connection: Connection, feed: FeedTable, table: str) -> None:
    """Ask PostgreSQL to understand the tags, since a trigger function is only read when it first runs."""
    query = tags_query(feed, f"SELECT * FROM {quote(table)} WHERE false")  # noqa: S608 - quoted
    try:
        connection.execute(_sql(f"SELECT tag::text FROM ({query}) AS found(tag)"))  # noqa: S608
    except (ProgrammingError, DataError) as error:
        raise FeedError(table=feed.table, reason=str(error).splitlines()[0]) from None


def _schema(connection: Connection) -> str:
    row = connection.execute("SELECT current_schema()").fetchone()
    assert row is not None
    return str(row[0] or "public")


def _found(connection: Connection) -> dict[tuple[str, str], _Found]:
    rows = connection.execute(_FOUND, {"prefix": PREFIX, "length": len(PREFIX) + 1}).fetchall()
    return {(table, event): _Found(*rest) for table, event, *rest in rows}


def _states(connection: Connection, wanted: dict[tuple[str, str], Trigger]) -> list[TriggerState]:
    found = _found(connection)
    states = [
        TriggerState(*place, "missing" if place not in found else _state(found[place], trigger))
        for place, trigger in wanted.items()
    ]
    return states + [TriggerState(*place, "left over") for place in found if place not in wanted]


def _state(found: _Found, trigger: Trigger) -> str:
    if not found.is_enabled:
        return "disabled"
    return "applied" if found.version == trigger.version else "changed"


def _sql(text: str) -> Any:
    """Composed from quoted identifiers and the configuration's own SQL."""
    return SQL(text)
