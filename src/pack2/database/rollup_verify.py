"""Is a rollup its view, and what does it cost the writers? Equality row by row; ingestion timed on a copy.

Equality rule: every value is the same, except that sums, averages and their kin of floating-point values
may differ by 1e-12 of their size: floating-point addition depends on the order of the rows, which a plain
view does not fix either.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from pack2.database.connection import Connection, Progress, connect, silent
from pack2.database.copy import copy_of
from pack2.database.errors import DatabaseInUseError
from pack2.database.index_file import quote
from pack2.database.rollup_catalog import all_ledgered
from pack2.database.rollup_sql import LEDGER, RollupSql
from pack2.database.rollups import applied_sql, kept_view, uncovered_partitions

RELATIVE_TOLERANCE = 1e-12
_EXACT_MERGES = frozenset(["min", "max", "first", "last", "count"])


class RollupVerdict(msgspec.Struct, frozen=True):
    """One rollup against its view. `different` counts rows that are missing, too many or unlike."""

    view: str
    rows: int
    different: int
    example: str | None
    uncovered_partitions: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """Whether table and view agree and every partition is watched."""
        return self.different == 0 and not self.uncovered_partitions


class IngestionCost(msgspec.Struct, frozen=True):
    """Inserting the newest batch of `source` with and without all its rollups. Median milliseconds; 95 %
    interval."""

    source: str
    rows: int
    milliseconds_without: float
    milliseconds_with: float
    ratio: float
    ratio_low: float
    ratio_high: float


class RollupVerification(msgspec.Struct, frozen=True):
    """All rollups that were looked at. `costs_unmeasured` says why there are no costs."""

    rollups: tuple[RollupVerdict, ...]
    costs: tuple[IngestionCost, ...]
    costs_unmeasured: str | None

    @property
    def is_right(self) -> bool:
        """Whether every rollup is right."""
        return all(verdict.is_right for verdict in self.rollups)


def verify(
    url: str, views: Iterable[str] = (), *, rounds: int = 15, on_progress: Progress = silent
) -> RollupVerification:
    """Compare each of `views` (all rollups where none is named) with its table; time ingestion on a copy."""
    with connect(url) as connection:
        connection.execute(LEDGER)
        names = tuple(views) or tuple(line.name for line in all_ledgered(connection))
        statements = [applied_sql(connection, name) for name in names]
        verdicts = []
        for number, sql in enumerate(statements):
            on_progress(f"comparing {sql.view.name}", 0.7 * number / len(statements))
            verdicts.append(compare(connection, sql))
    on_progress("timing ingestion on a copy", 0.7)
    try:
        costs = _costs(url, statements, rounds)
    except DatabaseInUseError as error:
        return RollupVerification(tuple(verdicts), (), str(error))
    return RollupVerification(tuple(verdicts), costs, None)


def compare(connection: Connection, sql: RollupSql) -> RollupVerdict:
    """Every row of one rollup against its view, in one snapshot: it may be in use meanwhile."""
    view = sql.view
    unlike = " OR ".join(_unlike(connection, sql)) or "false"
    row = connection.execute(_comparison(sql, unlike)).fetchone()
    assert row is not None
    return RollupVerdict(view.name, row[0], row[1], row[2], uncovered_partitions(connection, sql))


def _comparison(sql: RollupSql, unlike: str) -> str:
    same = " AND ".join(f"t.{quote(key.name)} = v.{quote(key.name)}" for key in sql.view.keys)
    first = quote(sql.view.keys[0].name)
    return (
        "SELECT count(*), count(*) FILTER (WHERE differs), min(example) FILTER (WHERE differs) FROM ("
        f"SELECT t.{first} IS NULL OR v.{first} IS NULL OR {unlike} AS differs,"
        " format('the view has %s, the table %s', v, t) AS example"
        f" FROM {kept_view(sql.view.name)} v FULL JOIN {sql.table} t ON {same}) AS pairs"
    )


def _unlike(connection: Connection, sql: RollupSql) -> list[str]:
    """One condition a value column: view `v` and table `t` differ."""
    floats = {
        row[0]
        for row in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND atttypid IN ('float4'::regtype, 'float8'::regtype)",
            (sql.table,),
        ).fetchall()
    }
    conditions = []
    for aggregate in sql.view.aggregates:
        column = quote(aggregate.name)
        condition = f"v.{column} IS DISTINCT FROM t.{column}"
        if aggregate.name in floats and aggregate.merge not in _EXACT_MERGES:
            condition = (
                f"({condition} AND (abs(v.{column} - t.{column})"
                f" <= {RELATIVE_TOLERANCE} * greatest(abs(v.{column}), abs(t.{column}))) IS NOT TRUE)"
            )
        conditions.append(condition)
    return conditions


def _costs(url: str, statements: Sequence[RollupSql], rounds: int) -> tuple[IngestionCost, ...]:
    """For each source with a time bucket: its newest rows are taken away and inserted again, on a copy."""
    sources = {sql.source: sql for sql in statements if sql.view.bucket is not None}
    if not sources:
        return ()
    with copy_of(url) as copy, connect(copy) as connection:
        return tuple(cost for sql in sources.values() if (cost := _cost(connection, sql, rounds)) is not None)


def _cost(connection: Connection, sql: RollupSql, rounds: int) -> IngestionCost | None:
    bucket = sql.view.bucket
    assert bucket is not None
    newest = f"{bucket.range_column} = (SELECT max({bucket.range_column}) FROM {sql.source})"
    columns = ", ".join(_insertable(connection, sql.source))
    connection.execute(
        f"CREATE TEMPORARY TABLE pack2_batch AS SELECT {columns} FROM {sql.source} WHERE {newest}"
    )
    count = connection.execute("SELECT count(*), min(pack2_batch::text) FROM pack2_batch").fetchone()
    if count is None or count[0] == 0:
        return None
    times: dict[bool, list[float]] = {True: [], False: []}
    for number in range(rounds):
        for maintained in (True, False) if number % 2 else (False, True):
            times[maintained].append(_time_batch(connection, sql, columns, maintained=maintained))
    connection.execute("DROP TABLE pack2_batch")
    with_, without = np.array(times[True]), np.array(times[False])
    low, high = _ratio_interval(with_ / without)
    return IngestionCost(
        source=sql.source,
        rows=count[0],
        milliseconds_without=float(np.median(without)),
        milliseconds_with=float(np.median(with_)),
        ratio=float(np.median(with_ / without)),
        ratio_low=low,
        ratio_high=high,
    )


def _time_batch(connection: Connection, sql: RollupSql, columns: str, *, maintained: bool) -> float:
    """Milliseconds to insert the batch, committed. Without: its rows end as they were, so the rollup stays
    right."""
    if not maintained:
        _triggers(connection, sql, "DISABLE")
    assert sql.view.bucket is not None
    column = sql.view.bucket.range_column
    connection.execute(f"DELETE FROM {sql.source} WHERE {column} = (SELECT max({column}) FROM pack2_batch)")
    started = time.perf_counter()
    connection.execute(f"INSERT INTO {sql.source} ({columns}) SELECT {columns} FROM pack2_batch")
    milliseconds = (time.perf_counter() - started) * 1000
    if not maintained:
        _triggers(connection, sql, "ENABLE")
    return milliseconds


def _triggers(connection: Connection, sql: RollupSql, state: str) -> None:
    rows = connection.execute(
        "SELECT t.tgrelid::regclass::text, quote_ident(t.tgname) FROM pg_trigger t"
        " JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname = 'pack2_tuning' AND t.tgname LIKE 'pack2\\_%%' AND t.tgrelid IN"
        " (SELECT relid FROM pg_partition_tree(%s::regclass) UNION SELECT %s::regclass)",
        (sql.source, sql.source),
    ).fetchall()
    for relation, name in rows:
        connection.execute(f"ALTER TABLE {relation} {state} TRIGGER {name}")


def _insertable(connection: Connection, source: str) -> list[str]:
    rows = connection.execute(
        "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND NOT attisdropped AND attidentity = '' AND attgenerated = '' ORDER BY attnum",
        (source,),
    ).fetchall()
    return [row[0] for row in rows]


def _ratio_interval(ratios: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float]:
    draws = np.random.default_rng(7).choice(ratios, size=(2000, len(ratios)))
    low, high = np.percentile(np.median(draws, axis=1), [2.5, 97.5])
    return float(low), float(high)
