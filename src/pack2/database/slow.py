"""The statements that cost most, from pg_stat_statements, with their names and without their literals."""

from __future__ import annotations

import re

import msgspec
from psycopg import errors as pg

from pack2.database.connection import Connection, connect
from pack2.database.errors import DatabaseRightsError, StatementsMissingError

# Named queries carry their name after the first keyword: PostgreSQL 18 cuts off what stands before it.
_NAME = re.compile(r"^(\s*[A-Za-z]*\s*)/\*\s*([a-z][a-z0-9_]*)\s*\*/\s*")
_LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")
_SHOWN = 200

_STATEMENTS = """
SELECT s.query, s.calls, s.total_exec_time, s.mean_exec_time, s.rows, s.shared_blks_hit, s.shared_blks_read,
       s.total_exec_time / nullif(sum(s.total_exec_time) OVER (), 0), s.query = '<insufficient privilege>'
FROM {schema}.pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
WHERE d.datname = current_database()
ORDER BY s.total_exec_time DESC
LIMIT %s"""


class SlowStatement(msgspec.Struct, frozen=True):
    """One normalised statement. `name` is that of its first comment; ratios are 0…1."""

    name: str | None
    text: str
    calls: int
    total_milliseconds: float
    mean_milliseconds: float
    rows: int
    buffers_hit_ratio: float | None
    share_ratio: float


def slow(url: str, *, limit: int = 20) -> tuple[SlowStatement, ...]:
    """The `limit` statements of this database with the greatest total execution time.

    Raises StatementsMissingError or DatabaseRightsError with the exact statement to run.
    """
    with connect(url) as connection:
        schema = schema_of_statements(connection)
        try:
            rows = connection.execute(_STATEMENTS.format(schema=schema), (limit,)).fetchall()
        except pg.ObjectNotInPrerequisiteState:
            raise StatementsMissingError(
                reason="its library is not loaded",
                action="Set shared_preload_libraries = 'pg_stat_statements' in postgresql.conf and restart.",
            ) from None
        except pg.InsufficientPrivilege:
            raise _rights(connection) from None
        if any(row[8] for row in rows):
            raise _rights(connection)
    return tuple(_statement(row) for row in rows)


def schema_of_statements(connection: Connection) -> str:
    """The schema of pg_stat_statements, quoted. Raises StatementsMissingError."""
    row = connection.execute(
        "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
        " WHERE extname = 'pg_stat_statements'"
    ).fetchone()
    if row is None:
        raise StatementsMissingError(
            reason="the extension is not installed",
            action="Run as a superuser, in this database: CREATE EXTENSION pg_stat_statements;",
        )
    return str(row[0])


def _rights(connection: Connection) -> DatabaseRightsError:
    role = connection.info.user
    return DatabaseRightsError(
        what="Reading other roles' statements", role=role, statement=f'GRANT pg_read_all_stats TO "{role}";'
    )


def _statement(row: tuple[object, ...]) -> SlowStatement:
    query, calls, total, mean, count, hit, read, share, _ = row
    assert isinstance(query, str)
    assert isinstance(hit, int)
    assert isinstance(read, int)
    name = _NAME.match(query)
    return msgspec.convert(
        {
            "name": name[2] if name else None,
            "text": shorten(query),
            "calls": calls,
            "total_milliseconds": total,
            "mean_milliseconds": mean,
            "rows": count,
            "buffers_hit_ratio": hit / (hit + read) if hit + read else None,
            "share_ratio": share or 0.0,
        },
        SlowStatement,
    )


def shorten(query: str) -> str:
    """`query` on one line without its name and its literals: no value of a user is printed."""
    text = _LITERAL.sub("?", _NAME.sub(r"\1", re.sub(r"\$\d+", "?", query)))
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
