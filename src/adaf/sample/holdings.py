"""What a database holds: nothing, our sample (which one), or something that is not ours and is left alone."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from adaf import schema
from adaf.sample.errors import ForeignDatabaseError
from pack2.jobs import SCHEMA

VERSION = 2
"""Of the generator. Raised with every change of the bytes that it makes."""

Connection = psycopg.Connection[tuple[Any, ...]]
_KINDS = {"r": "TABLE", "p": "TABLE", "v": "VIEW", "m": "MATERIALIZED VIEW", "f": "FOREIGN TABLE"}
_SHOWN = 5


class Sample(msgspec.Struct, frozen=True):
    """Which data a database holds."""

    size: str
    seed: int
    version: int = VERSION

    def __str__(self) -> str:
        return f"{self.size} (seed {self.seed}, version {self.version})"


def find_sample(connection: Connection) -> Sample | None:
    """The sample in the database, None where it is empty.

    Raises ForeignDatabaseError where there is any table or view of somebody else's, or our tables without
    the sample.
    """
    relations = _relations(connection)
    foreign = [name for name, _ in relations if not _is_ours(name)]
    if foreign or (relations and "sample_data" not in dict(relations)):
        names = foreign or [name for name, _ in relations]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise ForeignDatabaseError(tables=", ".join(names[:_SHOWN]) + more)
    if not relations:
        return None
    row = connection.execute("SELECT size, seed, version FROM sample_data").fetchone()
    if row is None:
        raise ForeignDatabaseError(tables="our tables with other data than a sample")
    return Sample(*row)


def drop_sample(connection: Connection) -> None:
    """Drop our tables, the jobs about them, and what Pack 2 keeps. Call after `find_sample` found it."""
    connection.execute("DROP SCHEMA IF EXISTS pack2_tuning CASCADE")
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(SCHEMA)))
    for name, _ in _relations(connection):
        kind = connection.execute(
            "SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)", (name,)
        ).fetchone()
        if kind is not None:  # not gone with another one
            statement = sql.SQL("DROP {} {} CASCADE").format(sql.SQL(_KINDS[kind[0]]), sql.Identifier(name))
            connection.execute(statement)
    for signature in ("market_now()", "create_market_data_partitions(timestamptz, timestamptz)"):
        connection.execute(sql.SQL("DROP FUNCTION IF EXISTS {} CASCADE").format(sql.SQL(signature)))


def _relations(connection: Connection) -> list[tuple[str, str]]:
    """(name, kind) of what stands in `public`, without partitions and without what extensions brought."""
    return [
        (name, kind)
        for name, kind in connection.execute(
            "SELECT relname, relkind::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = ANY (%s) AND NOT relispartition AND NOT EXISTS (SELECT FROM pg_depend"
            " WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')"
            " ORDER BY relname",
            (list(_KINDS),),
        )
    ]


def _is_ours(name: str) -> bool:
    return name in _our_names()


def _our_names() -> frozenset[str]:
    return frozenset(re.findall(r"^CREATE (?:TABLE|VIEW) (\w+)", schema.before_data(), re.MULTILINE))
