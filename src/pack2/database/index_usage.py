"""How indexes are used: scans, size, last use; never used, duplicate and prefix-redundant ones flagged.

Figures of pg_stat_user_indexes count since the last reset of the statistics, and on this server only: a
replica's reads are counted there.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from pack2.database.connection import connect


class IndexUsage(msgspec.Struct, frozen=True):
    """One index. `flags`: invalid, never used, same as NAME, prefix of NAME."""

    name: str
    table: str
    scans: int
    rows_read: int
    size_bytes: int
    last_used: datetime | None
    is_constraint: bool
    flags: tuple[str, ...]


class UsageReport(msgspec.Struct, frozen=True):
    """All indexes of the user's tables, and since when they are counted."""

    since: datetime | None
    indexes: tuple[IndexUsage, ...]


_USAGE = """
SELECT s.indexrelid, s.schemaname || '.' || s.indexrelname, s.relname, s.idx_scan, s.idx_tup_read,
       pg_relation_size(s.indexrelid), s.last_idx_scan,
       x.indisunique OR EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = s.indexrelid), x.indisvalid
FROM pg_stat_user_indexes s JOIN pg_index x ON x.indexrelid = s.indexrelid
ORDER BY s.idx_scan, pg_relation_size(s.indexrelid) DESC, s.indexrelname"""

# An index makes another superfluous when its key columns begin with all of the other's, in the same order,
# with the same operator classes, collations and directions, under the same predicate.
_COVERED = """
SELECT a.indexrelid, b.indexrelid::regclass::text, a.indnkeyatts = b.indnkeyatts AND a.indnatts = b.indnatts
FROM pg_index a
JOIN pg_index b ON b.indrelid = a.indrelid AND b.indexrelid <> a.indexrelid AND b.indisvalid
JOIN pg_class ca ON ca.oid = a.indexrelid
JOIN pg_class cb ON cb.oid = b.indexrelid AND cb.relam = ca.relam
JOIN pg_am m ON m.oid = ca.relam
JOIN pg_stat_user_indexes s ON s.indexrelid = a.indexrelid
WHERE NOT a.indisunique AND a.indnkeyatts <= b.indnkeyatts
  AND (m.amname = 'btree' OR a.indnkeyatts = b.indnkeyatts)
  AND (a.indkey::int2[])[0 : a.indnkeyatts - 1] = (b.indkey::int2[])[0 : a.indnkeyatts - 1]
  AND (a.indclass::oid[])[0 : a.indnkeyatts - 1] = (b.indclass::oid[])[0 : a.indnkeyatts - 1]
  AND (a.indcollation::oid[])[0 : a.indnkeyatts - 1] = (b.indcollation::oid[])[0 : a.indnkeyatts - 1]
  AND (a.indoption::int2[])[0 : a.indnkeyatts - 1] = (b.indoption::int2[])[0 : a.indnkeyatts - 1]
  AND pg_get_expr(a.indexprs, a.indrelid) IS NOT DISTINCT FROM pg_get_expr(b.indexprs, b.indrelid)
  AND pg_get_expr(a.indpred, a.indrelid) IS NOT DISTINCT FROM pg_get_expr(b.indpred, b.indrelid)
  AND (a.indkey::int2[])[a.indnkeyatts : a.indnatts - 1] <@ (b.indkey::int2[])[0 : b.indnatts - 1]
  AND (b.indisunique OR a.indnatts < b.indnatts OR a.indnkeyatts < b.indnkeyatts
       OR a.indexrelid > b.indexrelid)
ORDER BY 1, 2"""


def usage(url: str) -> UsageReport:
    """Every index of the user's tables in the database at `url`, least used first."""
    with connect(url) as connection:
        since = connection.execute(
            "SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
        covered: dict[int, list[str]] = {}
        for oid, other, is_same in connection.execute(_COVERED).fetchall():
            covered.setdefault(oid, []).append(f"{'same as' if is_same else 'prefix of'} {other}")
        rows = connection.execute(_USAGE).fetchall()
    return UsageReport(
        since=since[0] if since else None,
        indexes=tuple(_usage(row, covered.get(row[0], [])) for row in rows),
    )


def _usage(row: tuple[Any, ...], covered: list[str]) -> IndexUsage:
    _, name, table, scans, rows_read, size_bytes, last_used, is_constraint, is_valid = row
    flags = _flags(scans, is_constraint, is_valid, covered)
    return IndexUsage(name, table, scans, rows_read, size_bytes, last_used, is_constraint, flags)


def _flags(scans: int, is_constraint: bool, is_valid: bool, covered: Iterable[str]) -> tuple[str, ...]:
    flags = list(covered)
    if not is_valid:
        flags.append("invalid")
    if scans == 0 and not is_constraint:
        flags.append("never used")
    return tuple(flags)
