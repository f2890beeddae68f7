"""What the catalogue says about a view that is, or is to become, a rollup; and what forbids it."""

from __future__ import annotations

import msgspec
import psycopg
from psycopg import errors as pg

from pack2.database.connection import Connection
from pack2.database.errors import RollupConflictError, UnsupportedViewError
from pack2.database.index_file import quote
from pack2.database.rollup_view import RollupView, parse_view

_NAME_BYTES = 45


class Ledgered(msgspec.Struct, frozen=True):
    """A line of pack2_tuning.rollups."""

    name: str
    view_schema: str
    state: str
    filled_to: str | None


def ledgered(connection: Connection, name: str) -> Ledgered | None:
    """The ledger's line for the rollup `name` (with or without its schema), or None.

    Raises RollupConflictError where another schema's view of that name is a rollup already.
    """
    try:
        row = connection.execute(
            "SELECT r.name, r.view_schema, r.state, r.filled_to, c.relnamespace::regnamespace::text"
            " FROM pack2_tuning.rollups r CROSS JOIN parse_ident(%s) AS p (parts)"
            " LEFT JOIN pg_class c ON c.oid = to_regclass(%s) WHERE r.name = parts[array_upper(parts, 1)]",
            (name, name),
        ).fetchone()
    except pg.InvalidParameterValue:
        raise UnsupportedViewError(view=name, reason="this is no name of a view") from None
    if row is None:
        return None
    if row[4] not in (None, quote(row[1])):
        reason = f"{row[1]}.{row[0]} has the same name and is a rollup already"
        raise RollupConflictError(view=name, reason=reason, action="Rename one of the two.")
    return Ledgered(*row[:4])


def all_ledgered(connection: Connection) -> tuple[Ledgered, ...]:
    """Every rollup of this database."""
    rows = connection.execute(
        "SELECT name, view_schema, state, filled_to FROM pack2_tuning.rollups ORDER BY name"
    )
    return tuple(Ledgered(*row) for row in rows.fetchall())


def read_view(connection: Connection, regclass: str, own: tuple[str, str] | None = None) -> RollupView:
    """The view `regclass`, understood and checked; `own` are its schema and name where it was moved away.

    Raises UnsupportedViewError.
    """
    row = connection.execute(
        "SELECT c.oid, n.nspname, c.relname, c.relkind,"
        " (SELECT array_agg(attname ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0)"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(%s)",
        (regclass,),
    ).fetchone()
    if row is None:
        raise UnsupportedViewError(view=regclass, reason="there is no such view")
    oid, schema, name, kind, columns = row
    if kind != "v":
        raise UnsupportedViewError(view=regclass, reason="it is no plain view")
    if len(name.encode()) > _NAME_BYTES:
        raise UnsupportedViewError(view=regclass, reason=f"its name has more than {_NAME_BYTES} bytes")
    with connection.transaction():
        connection.execute("SET LOCAL search_path = pg_catalog; SET LOCAL timezone = 'UTC'")
        connection.execute("SET LOCAL intervalstyle = 'postgres'; SET LOCAL datestyle = 'ISO'")
        definition = connection.execute("SELECT pg_get_viewdef(%s::oid)", (oid,)).fetchone()
    assert definition is not None
    aggregates = connection.execute("SELECT proname FROM pg_proc WHERE prokind = 'a'").fetchall()
    schema, name = own or (schema, name)
    names = frozenset(row[0] for row in aggregates)
    view = parse_view(schema, name, definition[0], tuple(columns), names)
    _check_expressions(connection, view)
    _check_source(connection, view)
    return view


def _check_expressions(connection: Connection, view: RollupView) -> None:
    """Only immutable expressions: PostgreSQL itself refuses others in an index predicate."""
    source = f"{quote(view.source_schema)}.{quote(view.source)}"
    for expression in dict.fromkeys(view.row_expressions):
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL search_path = pg_catalog")
            connection.execute(f"CREATE TEMPORARY TABLE pack2_probe (LIKE {source})")
            try:
                connection.execute(f"CREATE INDEX ON pack2_probe ((0)) WHERE ({expression}) IS NOT NULL")
            except psycopg.Error as error:
                reason = f"{expression}: {str(error).splitlines()[0]}"
                raise UnsupportedViewError(view=view.name, reason=reason) from None
    for function in view.outer_functions:
        row = connection.execute(
            "SELECT bool_or(provolatile = 'i') FROM pg_proc WHERE proname = %s", (function,)
        ).fetchone()
        if row is None or not row[0]:
            raise UnsupportedViewError(view=view.name, reason=f"{function} gives no determined result")


def _check_source(connection: Connection, view: RollupView) -> None:
    row = connection.execute(
        "SELECT c.oid, c.relkind, c.relispartition, c.relrowsecurity,"
        " EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid)"
        " FROM pg_class c WHERE c.oid = to_regclass(%s)",
        (f"{quote(view.source_schema)}.{quote(view.source)}",),
    ).fetchone()
    assert row is not None
    oid, kind, is_partition, has_row_security, has_children = row
    for wrong, reason in (
        (kind not in ("r", "p"), f"{view.source} is no table"),
        (is_partition, f"{view.source} is one partition: statements on its parent would not be noticed"),
        (kind == "r" and has_children, f"{view.source} has children by INHERITS"),
        (has_row_security, f"{view.source} has row security"),
    ):
        if wrong:
            raise UnsupportedViewError(view=view.name, reason=reason)
    nullable = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attnotnull", (oid,)
    ).fetchall()
    for key in view.keys:
        for (column,) in nullable:
            if column in (key.range_column, key.expression):
                reason = f"its group key {column} may be null; declare it NOT NULL"
                raise UnsupportedViewError(view=view.name, reason=reason)


def check_movable(connection: Connection, view: RollupView) -> None:
    """Refuse a view that others depend on, or whose rights a table can not have."""
    regclass = f"{quote(view.schema)}.{quote(view.name)}"
    dependants = connection.execute(
        "SELECT DISTINCT pg_describe_object(classid, objid, 0) FROM pg_depend d"
        " WHERE refclassid = 'pg_class'::regclass AND refobjid = %s::regclass AND deptype = 'n' AND NOT"
        " (classid = 'pg_rewrite'::regclass"
        " AND objid IN (SELECT oid FROM pg_rewrite WHERE ev_class = refobjid))"
        " ORDER BY 1",
        (regclass,),
    ).fetchall()
    if dependants:
        raise UnsupportedViewError(
            view=view.name, reason=f"{dependants[0][0]} depends on it; drop that first"
        )
    row = connection.execute(
        "SELECT 'security_invoker=true' = ANY (coalesce(reloptions, '{}')),"
        " EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL),"
        " EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid)"
        " FROM pg_class c WHERE oid = %s::regclass",
        (regclass,),
    ).fetchone()
    assert row is not None
    for wrong, reason in zip(
        row, ("it is security_invoker", "it has column privileges", "it has INSTEAD OF triggers"), strict=True
    ):
        if wrong:
            raise UnsupportedViewError(view=view.name, reason=reason)
