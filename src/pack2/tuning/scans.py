"""Sequential scans in a statement's plan that throw most rows away, and the index that would spare them.

Plain rules: columns compared for equality come first, then one compared by range. Whether such an index
pays is for `pack2 indexes verify` to measure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import postgast

LEAST_ROWS: Final = 10_000
MOST_KEPT_RATIO: Final = 0.1
MOST_COLUMNS: Final = 3
_RANGE: Final = frozenset(("<", "<=", ">", ">="))
_KIND = postgast.pg_query_pb2


class Scan(msgspec.Struct, frozen=True):
    """A sequential scan: the table, the filter as PostgreSQL prints it, rows kept (by the planner's
    estimate)."""

    schema: str
    table: str
    alias: str
    filter: str
    rows_kept: float


def wasteful_scans(plan: Mapping[str, Any], rows_of: Mapping[tuple[str, str], float]) -> tuple[Scan, ...]:
    """The scans of `plan` (EXPLAIN (VERBOSE, FORMAT JSON)) that read many rows and keep few of them.

    `rows_of` gives the rows of (schema, table).
    """
    return tuple(
        scan
        for scan in _scans(plan)
        if (rows := rows_of.get((scan.schema, scan.table), 0.0)) >= LEAST_ROWS
        and scan.rows_kept <= MOST_KEPT_RATIO * rows
    )


def _scans(node: Mapping[str, Any]) -> Iterator[Scan]:
    if node.get("Node Type") == "Seq Scan" and "Filter" in node:
        yield Scan(
            schema=node.get("Schema", "public"),
            table=node["Relation Name"],
            alias=node.get("Alias", node["Relation Name"]),
            filter=node["Filter"],
            rows_kept=float(node.get("Plan Rows", 0)) * max(1, node.get("Workers Planned", 0) + 1),
        )
    for child in node.get("Plans", ()):
        yield from _scans(child)


def index_columns(filter_text: str) -> tuple[str, ...]:
    """The columns of an index for this filter: equality first, then one range; () where none can serve it."""
    try:
        tree = postgast.parse(f"SELECT WHERE {filter_text}")
    except postgast.PgQueryError:
        return ()
    equal: list[str] = []
    ranged: list[str] = []
    for condition in _conjuncts(tree.stmts[0].stmt.select_stmt.where_clause):
        column, operator = _comparison(condition)
        if column and operator == "=":
            equal.append(column)
        elif column and operator in _RANGE:
            ranged.append(column)
    columns = list(dict.fromkeys(equal + [column for column in ranged if column not in equal][:1]))
    return tuple(columns[:MOST_COLUMNS])


def is_covered(columns: Sequence[str], existing: Sequence[Sequence[str]]) -> bool:
    """True where an index begins with these columns, those before the last one in any order."""
    wanted = set(columns)
    return any(set(index[: len(columns)]) == wanted for index in existing)


def _conjuncts(node: Any) -> Iterator[Any]:
    if node.HasField("bool_expr") and node.bool_expr.boolop == _KIND.AND_EXPR:
        for argument in node.bool_expr.args:
            yield from _conjuncts(argument)
    else:
        yield node


def _comparison(node: Any) -> tuple[str, str]:
    """(column, operator) of `column op value`, with the value on either side; ("", "") for all else."""
    if not node.HasField("a_expr"):
        return "", ""
    expression = node.a_expr
    operator = expression.name[-1].string.sval if expression.name else ""
    if expression.kind == _KIND.AEXPR_OP_ANY:
        operator = "=" if operator == "=" else ""
    elif expression.kind not in (_KIND.AEXPR_OP, _KIND.AEXPR_IN):
        return "", ""
    left, right = _column(expression.lexpr), _column(expression.rexpr)
    if left and not right and not _mentions(expression.rexpr):
        return left, operator
    if right and not left and not _mentions(expression.lexpr):
        return right, {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(operator, operator)
    return "", ""


def _column(node: Any) -> str:
    if not node.HasField("column_ref"):
        return ""
    last = node.column_ref.fields[-1]
    return str(last.string.sval) if last.HasField("string") else ""


def _mentions(node: Any) -> bool:
    """True where the other side reads a column too: a join's condition, not a value."""
    return "column_ref" in str(node)
