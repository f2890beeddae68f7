"""What PostgreSQL's catalogue says about indexes: what is there, whether it is valid, how it is defined.

A definition of the file is compared with an existing index by PostgreSQL itself: the same index is made
on an empty temporary table of the same shape and both are printed by `pg_get_indexdef`.
"""

from __future__ import annotations

import msgspec

from pack2.database.connection import Connection
from pack2.database.errors import IndexTargetError
from pack2.database.index_file import IndexDefinition, quote


class Table(msgspec.Struct, frozen=True):
    """A relation that carries an index. `kind` is pg_class.relkind."""

    oid: int
    schema: str
    name: str
    kind: str

    @property
    def quoted(self) -> str:
        return f"{quote(self.schema)}.{quote(self.name)}"

    @property
    def is_partitioned(self) -> bool:
        return self.kind == "p"


class ExistingIndex(msgspec.Struct, frozen=True):
    """An index as the catalogue has it. `definition` is what follows USING."""

    oid: int
    schema: str
    name: str
    table: str
    definition: str
    is_valid: bool
    is_unique: bool
    parent: str | None
    size_bytes: int

    @property
    def quoted(self) -> str:
        return f"{quote(self.schema)}.{quote(self.name)}"


def find_table(connection: Connection, index: IndexDefinition) -> Table:
    """The table of `index`. Raises IndexTargetError where it is absent or can carry no index."""
    row = connection.execute(
        "SELECT c.oid, n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n"
        " ON n.oid = c.relnamespace WHERE c.oid = to_regclass(%s)",
        (index.target,),
    ).fetchone()
    if row is None:
        action = "Load the schema first, or correct the file"
        raise IndexTargetError(name=index.name, table=index.target, reason="no such table", action=action)
    if row[3] not in ("r", "p", "m"):
        action = "If it is a view that `pack2.toml` declares as a rollup, run `pack2 rollup apply` first"
        raise IndexTargetError(name=index.name, table=index.target, reason="it is no table", action=action)
    table = Table(*row)
    if table.is_partitioned and not index.partitioned:
        action = "Write `-- partitioned` above it and CREATE INDEX without CONCURRENTLY"
        raise IndexTargetError(name=index.name, table=index.target, reason="it is partitioned", action=action)
    if index.partitioned and not table.is_partitioned:
        action = "Take `-- partitioned` away and write CONCURRENTLY"
        raise IndexTargetError(
            name=index.name, table=index.target, reason="it is not partitioned", action=action
        )
    return table


def find_index(connection: Connection, schema: str, name: str) -> ExistingIndex | None:
    """The index `name` in `schema`, or None."""
    rows = _existing(connection, "n.nspname = %s AND i.relname = %s", (schema, name))
    return rows[0] if rows else None


def partitions(connection: Connection, table: Table) -> tuple[Table, ...]:
    """The direct partitions of `table`, in the order of their names."""
    rows = connection.execute(
        "SELECT c.oid, n.nspname, c.relname, c.relkind FROM pg_inherits h"
        " JOIN pg_class c ON c.oid = h.inhrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE h.inhparent = %s ORDER BY n.nspname, c.relname",
        (table.oid,),
    ).fetchall()
    return tuple(Table(*row) for row in rows)


def roots(connection: Connection) -> dict[str, str]:
    """For each index on a partition, by name: the index of the partitioned table that it belongs to."""
    rows = connection.execute(
        "WITH RECURSIVE part (oid, root) AS ("
        " SELECT inhrelid, inhparent FROM pg_inherits"
        " JOIN pg_class c ON c.oid = inhparent AND c.relkind = 'I'"
        " UNION SELECT part.oid, inhparent FROM part JOIN pg_inherits ON inhrelid = part.root)"
        " SELECT p.relname, r.relname FROM part JOIN pg_class p ON p.oid = part.oid"
        " JOIN pg_class r ON r.oid = part.root WHERE NOT r.relispartition"
    ).fetchall()
    return dict(rows)


def _existing(connection: Connection, where: str, parameters: tuple[object, ...]) -> list[ExistingIndex]:
    rows = connection.execute(
        "SELECT i.oid, n.nspname, i.relname, t.relname, pg_get_indexdef(i.oid), x.indisvalid,"
        " x.indisunique,"
        " (SELECT p.relname FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent"
        " WHERE h.inhrelid = i.oid),"
        " coalesce((SELECT sum(pg_relation_size(p.relid)) FROM pg_partition_tree(i.oid) p)::bigint,"
        " pg_relation_size(i.oid))"
        " FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid"
        f" JOIN pg_namespace n ON n.oid = i.relnamespace WHERE {where} ORDER BY i.relname",
        parameters,
    ).fetchall()
    return [
        ExistingIndex(
            oid=row[0],
            schema=row[1],
            name=row[2],
            table=row[3],
            definition=_after_using(row[4]),
            is_valid=row[5],
            is_unique=row[6],
            parent=row[7],
            size_bytes=row[8],
        )
        for row in rows
    ]


def _after_using(definition: str) -> str:
    return definition[definition.index(" USING ") + len(" USING ") :]


def wanted_definition(connection: Connection, index: IndexDefinition, table: Table) -> str:
    """How PostgreSQL itself would print `index` (what follows USING)."""
    with connection.transaction(force_rollback=True):
        probe = quote(f"{table.name}"[:50])
        connection.execute(f"CREATE TEMPORARY TABLE {probe} (LIKE {table.quoted})")
        connection.execute(index.create("pack2_probe", f"pg_temp.{probe}", how=""))
        row = connection.execute(
            "SELECT pg_get_indexdef(oid) FROM pg_class WHERE relname = 'pack2_probe'"
            " AND relnamespace = pg_my_temp_schema()"
        ).fetchone()
    assert row is not None
    return _after_using(row[0])
