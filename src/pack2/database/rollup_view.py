"""Which views can become rollups: `SELECT group keys, aggregates FROM one_table [WHERE …] GROUP BY keys`.

Read from `pg_get_viewdef` with PostgreSQL's own parser. Whatever is not understood is refused by name: a
rollup that is almost its view is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import postgast

from pack2.database.errors import UnsupportedViewError

_UNORDERED = frozenset(
    ["array_agg", "string_agg", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg", "xmlagg"]
)
_MERGEABLE = frozenset(["count", "sum", "min", "max"])
_UNITS = {"quarter": "3 months", "decade": "10 years", "century": "100 years", "millennium": "1000 years"}


class Key(msgspec.Struct, frozen=True):
    """A group key. For a time bucket, rows lie in `range_column >= key AND range_column < key + width`.

    `is_exact` says that this range alone is the bucket; else the expression is compared as well.
    """

    name: str
    expression: str
    range_column: str | None = None
    width: str | None = None
    is_exact: bool = False


class Aggregate(msgspec.Struct, frozen=True):
    """An aggregate column. `merge` names how a later part joins an earlier one, None where it can not."""

    name: str
    expression: str
    merge: str | None = None
    order_column: str | None = None


class RollupView(msgspec.Struct, frozen=True):
    """A view that can be maintained as a table."""

    schema: str
    name: str
    source_schema: str
    source: str
    columns: tuple[str, ...]
    keys: tuple[Key, ...]
    aggregates: tuple[Aggregate, ...]
    where: str | None
    row_expressions: tuple[str, ...]
    outer_functions: tuple[str, ...]

    @property
    def bucket(self) -> Key | None:
        """The time bucket among the keys."""
        return next((key for key in self.keys if key.range_column), None)

    @property
    def is_mergeable(self) -> bool:
        """Rows newer than all others of their bucket can be merged into it without reading the bucket."""
        bucket = self.bucket
        return bucket is not None and all(
            aggregate.merge is not None and aggregate.order_column in (None, bucket.range_column)
            for aggregate in self.aggregates
        )


def parse_view(
    schema: str, name: str, definition: str, columns: tuple[str, ...], aggregate_names: frozenset[str]
) -> RollupView:
    """Understand `definition` (as pg_get_viewdef prints it). Raises UnsupportedViewError with the reason."""

    def refuse(reason: str) -> UnsupportedViewError:
        return UnsupportedViewError(view=f"{schema}.{name}", reason=reason)

    select = postgast.parse(definition).stmts[0].stmt.select_stmt
    _unqualify(select)
    reason = _unsupported_clause(select) or _unsupported_call(select)
    if reason:
        raise refuse(reason)
    source = select.from_clause[0].range_var
    grouped = [deparse(node) for node in select.group_clause]
    keys: list[Key] = []
    aggregates: list[Aggregate] = []
    for column, target in zip(columns, select.target_list, strict=True):
        value = target.res_target.val
        expression = deparse(value)
        if expression in grouped:
            if expression not in {key.expression for key in keys}:
                keys.append(_key(column, expression, value))
                continue
            raise refuse(f"{column} repeats a group key")
        aggregates.append(_aggregate(column, expression, value))
    missing = [expression for expression in grouped if expression not in {key.expression for key in keys}]
    if missing:
        raise refuse(f"the group key {missing[0]} is not among its columns")
    where = deparse(select.where_clause) if select.HasField("where_clause") else None
    return RollupView(
        schema=schema,
        name=name,
        source_schema=source.schemaname,
        source=source.relname,
        columns=columns,
        keys=tuple(keys),
        aggregates=tuple(aggregates),
        where=where,
        row_expressions=(
            *(key.expression for key in keys),
            *([where] if where else []),
            *_arguments(select, aggregate_names),
        ),
        outer_functions=tuple(sorted(_functions_outside(select.target_list, aggregate_names))),
    )


def deparse(node: Any) -> str:
    """The SQL text of one expression."""
    tree = postgast.ParseResult()
    tree.stmts.add().stmt.select_stmt.target_list.add().res_target.val.CopyFrom(node)
    return str(postgast.deparse(tree)).removeprefix("SELECT ")


def _nodes(node: Any, kind: str) -> Iterator[Any]:
    """Every node of message type `kind` at or below `node`, outermost first."""
    if node.DESCRIPTOR.name == kind:
        yield node
    for field, value in node.ListFields():
        if field.message_type is None:
            continue
        for child in value if hasattr(value, "append") or hasattr(value, "add") else (value,):
            yield from _nodes(child, kind)


def _unqualify(select: Any) -> None:
    for reference in _nodes(select, "ColumnRef"):
        while len(reference.fields) > 1:
            del reference.fields[0]


def _unsupported_clause(select: Any) -> str | None:
    sources = select.from_clause
    checks = (
        (select.op != 1, "it is a UNION, INTERSECT or EXCEPT"),
        (select.HasField("with_clause"), "it has a WITH clause"),
        (len(select.distinct_clause) > 0, "it has DISTINCT"),
        (select.HasField("having_clause"), "it has HAVING"),
        (len(select.window_clause) > 0, "it has a WINDOW clause"),
        (select.HasField("limit_count") or select.HasField("limit_offset"), "it has LIMIT or OFFSET"),
        (len(select.sort_clause) > 0, "it has ORDER BY; order its readers instead"),
        (len(sources) != 1 or not sources[0].HasField("range_var"), "it does not read exactly one table"),
        (len(select.group_clause) == 0, "it has no GROUP BY"),
        (any(node.HasField("grouping_set") for node in select.group_clause), "it has GROUPING SETS"),
    )
    return next((reason for wrong, reason in checks if wrong), None)


def _unsupported_call(select: Any) -> str | None:
    if next(_nodes(select, "SubLink"), None) is not None:
        return "it has a subquery"
    for call in _nodes(select, "FuncCall"):
        name = _function_name(call)
        if call.HasField("over"):
            return f"{name} is a window function"
        if name in _UNORDERED and not call.agg_order:
            return f"{name} without ORDER BY gives no determined result"
    return None


def _function_name(call: Any) -> str:
    return str(call.funcname[-1].string.sval)


def _key(column: str, expression: str, node: Any) -> Key:
    if not node.HasField("func_call"):
        return Key(column, expression)
    call = node.func_call
    name, arguments = _function_name(call), list(call.args)
    if name == "date_bin" and len(arguments) == 3 and arguments[1].HasField("column_ref"):
        return Key(column, expression, deparse(arguments[1]), deparse(arguments[0]), is_exact=True)
    unit = _constant(arguments[0]) if name == "date_trunc" and len(arguments) in (2, 3) else None
    if unit and arguments[1].HasField("column_ref"):
        # With a time zone a day has 23 to 25 hours: the range only has to be wide enough.
        slack = " + '1 day'::interval" if len(arguments) == 3 else ""
        width = f"'{_UNITS.get(unit, f'1 {unit}')}'::interval{slack}"
        return Key(column, expression, deparse(arguments[1]), width)
    return Key(column, expression)


def _constant(node: Any) -> str | None:
    while node.HasField("type_cast"):
        node = node.type_cast.arg
    return str(node.a_const.sval.sval).lower() if node.HasField("a_const") else None


def _aggregate(column: str, expression: str, node: Any) -> Aggregate:
    if node.HasField("func_call"):
        call = node.func_call
        name = _function_name(call)
        if name in _MERGEABLE and not call.agg_distinct and not call.agg_order and len(call.args) <= 1:
            return Aggregate(column, expression, merge=name)
    if node.HasField("a_indirection") and re.fullmatch(r"\(.*\)\[1\]", expression, re.DOTALL):
        call = node.a_indirection.arg.func_call
        plain = not call.agg_distinct and not call.HasField("agg_filter") and len(call.agg_order) == 1
        if (
            plain
            and _function_name(call) == "array_agg"
            and call.agg_order[0].sort_by.node.HasField("column_ref")
        ):
            order = call.agg_order[0].sort_by
            merge = "last" if order.sortby_dir == postgast.pg_query_pb2.SORTBY_DESC else "first"
            return Aggregate(column, expression, merge=merge, order_column=deparse(order.node))
    return Aggregate(column, expression)


def _arguments(select: Any, aggregate_names: frozenset[str]) -> Iterator[str]:
    """What the aggregates read of a row: arguments, filters and orders."""
    for call in _nodes(select, "FuncCall"):
        if _function_name(call) in aggregate_names:
            yield from (deparse(argument) for argument in call.args)
            yield from (deparse(order.sort_by.node) for order in call.agg_order)
            if call.HasField("agg_filter"):
                yield deparse(call.agg_filter)


def _functions_outside(targets: Any, aggregate_names: frozenset[str]) -> set[str]:
    """Functions applied to the aggregates' results."""
    names: set[str] = set()

    def visit(node: Any) -> None:
        if node.DESCRIPTOR.name == "FuncCall":
            if _function_name(node) in aggregate_names:
                return
            names.add(_function_name(node))
        for field, value in node.ListFields():
            if field.message_type is not None:
                for child in value if hasattr(value, "append") or hasattr(value, "add") else (value,):
                    visit(child)

    for target in targets:
        visit(target)
    return names
