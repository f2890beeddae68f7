"""The SQL that maintains a rollup: trigger functions that re-aggregate only the buckets that a statement
touched.

Rules. (1) Whoever writes a bucket first takes its shard's advisory lock, shards in ascending order, and
reads the raw rows with a snapshot taken after that: concurrent writers of one bucket see each other's
committed rows. (2) Under REPEATABLE READ the snapshot is older than the lock: the bucket's row, or the
shard's mark where a bucket vanished, was then changed since, and PostgreSQL raises a serialization
failure instead of storing a wrong sum. (3) Every step is a nested loop over the touched buckets with an
index range a bucket, so a cached plan is never the wrong one.
"""

from __future__ import annotations

from pack2.database.index_file import quote
from pack2.database.rollup_view import Aggregate, RollupView

SHARDS = 32
OPERATIONS = ("insert", "update", "delete", "truncate")
_TRANSITION = {
    "insert": "REFERENCING NEW TABLE AS new_rows",
    "update": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "delete": "REFERENCING OLD TABLE AS old_rows",
    "truncate": "",
}

LEDGER = """
CREATE SCHEMA IF NOT EXISTS pack2_tuning;
CREATE TABLE IF NOT EXISTS pack2_tuning.rollups (
    name        text PRIMARY KEY,
    view_schema text NOT NULL,
    state       text NOT NULL CHECK (state IN ('filling', 'applied')),
    filled_to   text,
    applied_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS pack2_tuning.rollup_marks (
    rollup text NOT NULL,
    shard  integer NOT NULL,
    mark   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (rollup, shard)
)"""


def literal(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


class RollupSql:
    """The statements of one rollup; `table` is where its rows are kept at present."""

    def __init__(self, view: RollupView, table: str) -> None:
        self.view = view
        self.table = table
        self.source = f"{quote(view.source_schema)}.{quote(view.source)}"
        self.keys = [f"pack2_k{number}" for number in range(len(view.keys))]
        self.values = [f"pack2_v{number}" for number in range(len(view.aggregates))]
        self.key_columns = ", ".join(quote(key.name) for key in view.keys)
        self.value_columns = [quote(aggregate.name) for aggregate in view.aggregates]
        self.lock_class = f"hashtext({literal('pack2 rollup ' + view.name)})"

    # What is read

    def _key_list(self) -> str:
        pairs = zip(self.view.keys, self.keys, strict=True)
        return ", ".join(f"{key.expression} AS {alias}" for key, alias in pairs)

    def _value_list(self) -> str:
        pairs = zip(self.view.aggregates, self.values, strict=True)
        return "".join(f", {aggregate.expression} AS {alias}" for aggregate, alias in pairs)

    def _where(self, *conditions: str) -> str:
        all_of = [*conditions, *([f"({self.view.where})"] if self.view.where else [])]
        return f" WHERE {' AND '.join(all_of)}" if all_of else ""

    def _same_bucket(self) -> list[str]:
        """Conditions on the source's rows: they are of the bucket of the row `pack2_n`."""
        conditions = []
        for key, alias in zip(self.view.keys, self.keys, strict=True):
            value = f"pack2_n.{alias}"
            if key.range_column:
                conditions += [
                    f"{key.range_column} >= {value}",
                    f"{key.range_column} < {value} + {key.width}",
                ]
            if not key.is_exact:
                conditions.append(f"({key.expression}) = {value}")
        return conditions

    def _is_key(self, table: str, row: str) -> str:
        pairs = zip(self.view.keys, self.keys, strict=True)
        return " AND ".join(f"{table}.{quote(key.name)} = {row}.{alias}" for key, alias in pairs)

    def shard(self, row: str | None = None) -> str:
        """The shard of a bucket; independent of the session's settings, unlike a cast to text."""
        parts = (
            [f"{row}.{alias}" for alias in self.keys] if row else [key.expression for key in self.view.keys]
        )
        return f"(hash_record(ROW({', '.join(parts)})) & {SHARDS - 1})"

    def _reaggregated(self) -> str:
        rows = f"count(*) AS pack2_rows{self._value_list()}"
        return f"SELECT {rows} FROM {self.source}{self._where(*self._same_bucket())}"

    # What is written

    def _store(self, fresh: str) -> str:
        """Write the rows of `fresh`; a bucket without rows vanishes and leaves a mark on its shard."""
        targets = ", ".join([self.key_columns, *self.value_columns])
        picked = ", ".join([*self.keys, *self.values])
        assignments = ", ".join(f"{column} = EXCLUDED.{column}" for column in self.value_columns)
        action = f"UPDATE SET {assignments}" if assignments else "NOTHING"
        name = literal(self.view.name)
        return f"""{fresh},
pack2_gone AS (
    DELETE FROM {self.table} AS pack2_r USING pack2_fresh AS pack2_f
    WHERE pack2_f.pack2_rows = 0 AND {self._is_key("pack2_r", "pack2_f")}
    RETURNING {self.shard("pack2_f")} AS shard
), pack2_marked AS (
    INSERT INTO pack2_tuning.rollup_marks AS m (rollup, shard) SELECT DISTINCT {name}, shard FROM pack2_gone
    ON CONFLICT (rollup, shard) DO UPDATE SET mark = m.mark + 1
)
INSERT INTO {self.table} ({targets})
SELECT {picked} FROM pack2_fresh WHERE pack2_rows > 0
ON CONFLICT ({self.key_columns}) DO {action};"""

    def refresh(self, touched: str) -> str:
        """Re-aggregate the buckets that the query `touched` names."""
        return self._store(f"""WITH pack2_n AS MATERIALIZED ({touched}),
pack2_fresh AS MATERIALIZED (
    SELECT pack2_n.*, pack2_f.* FROM pack2_n CROSS JOIN LATERAL ({self._reaggregated()}) AS pack2_f
)""")

    def buckets_of(self, *row_sources: str) -> str:
        """A query for the distinct buckets of the rows in `row_sources`."""
        selects = (f"SELECT {self._key_list()} FROM {source}{self._where()}" for source in row_sources)
        return (
            " UNION ".join(selects)
            if len(row_sources) > 1
            else f"{next(iter(selects))} GROUP BY {self._ordinals()}"
        )

    def _ordinals(self) -> str:
        return ", ".join(str(number) for number in range(1, len(self.keys) + 1))

    def _merge(self) -> str:
        """As `refresh` for inserted rows; buckets to which they only append are merged, not read again.

        A merge needs proof that the stored row is exactly the bucket without the new rows. It is, when
        its last writer ended before any transaction that still runs (so not this one, which might have
        counted the new rows already) and no other raw row of the bucket is as new as the first new one.
        """
        bucket = self.view.bucket
        assert bucket is not None
        stored = "".join(
            f", pack2_r.{column} AS {alias}"
            for column, alias in zip(self.value_columns, self.values, strict=True)
        )
        merged = "".join(
            f", {merged_value(aggregate, f'pack2_r.{alias}', f'pack2_n.{alias}')}"
            for aggregate, alias in zip(self.view.aggregates, self.values, strict=True)
        )
        key_columns = ", ".join(f"pack2_n.{alias}" for alias in self.keys)
        newer = self._where(*self._same_bucket(), f"{bucket.range_column} >= pack2_n.pack2_since")
        values = "".join(f", {alias}" for alias in self.values)
        return self._store(f"""WITH pack2_n AS MATERIALIZED (
    SELECT {self._key_list()}, min({bucket.range_column}) AS pack2_since,
           count(*) AS pack2_added{self._value_list()}
    FROM new_rows{self._where()} GROUP BY {self._ordinals()}
), pack2_fresh AS MATERIALIZED (
    SELECT {key_columns}, pack2_f.*
    FROM pack2_n
    LEFT JOIN LATERAL (
        SELECT true AS found{stored} FROM {self.table} AS pack2_r
        WHERE {self._is_key("pack2_r", "pack2_n")}
          AND age(pack2_r.xmin) > age(pg_snapshot_xmin(pg_current_snapshot())::xid)
          AND (SELECT count(*) FROM {self.source}{newer}) = pack2_n.pack2_added
        OFFSET 0
    ) AS pack2_r ON true
    CROSS JOIN LATERAL (
        SELECT 1::bigint AS pack2_rows{merged} WHERE pack2_r.found
        UNION ALL
        SELECT pack2_rows{values} FROM ({self._reaggregated()}) AS pack2_s WHERE pack2_r.found IS NULL
    ) AS pack2_f (pack2_rows{values})
)""")

    # Trigger functions

    def function(self, operation: str) -> str:
        """The name of the trigger function for `operation`."""
        return f"pack2_tuning.{quote(f'{self.view.name}_{operation}')}"

    def create_function(self, operation: str) -> str:
        """CREATE OR REPLACE of the trigger function for `operation`."""
        body = self._truncate_body() if operation == "truncate" else self._row_body(operation)
        return f"""CREATE OR REPLACE FUNCTION {self.function(operation)}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $pack2$
BEGIN
{body}
    RETURN NULL;
END
$pack2$"""

    def _row_body(self, operation: str) -> str:
        sources = {"insert": ["new_rows"], "update": ["old_rows", "new_rows"], "delete": ["old_rows"]}[
            operation
        ]
        nothing = " AND ".join(f"NOT EXISTS (SELECT FROM {source})" for source in sources)
        merge = operation == "insert" and self.view.is_mergeable
        write = self._merge() if merge else self.refresh(self.buckets_of(*sources))
        shards = " UNION ".join(
            f"SELECT {self.shard()} AS shard FROM {source}{self._where()}" for source in sources
        )
        return f"""    IF {nothing} THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock({self.lock_class}, s.shard)
    FROM (SELECT DISTINCT shard FROM ({shards}) AS a ORDER BY shard OFFSET 0) AS s;
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        INSERT INTO pack2_tuning.rollup_marks AS m (rollup, shard)
        SELECT DISTINCT {literal(self.view.name)}, shard FROM ({shards}) AS a
        ON CONFLICT (rollup, shard) DO UPDATE SET mark = m.mark + 1;
    END IF;
{write}"""

    def _truncate_body(self) -> str:
        return f"""    PERFORM {self.lock_all()};
    INSERT INTO pack2_tuning.rollup_marks AS m (rollup, shard)
    SELECT {literal(self.view.name)}, s FROM generate_series(0, {SHARDS - 1}) AS s
    ON CONFLICT (rollup, shard) DO UPDATE SET mark = m.mark + 1;
    DELETE FROM {self.table};
    {self.fill()};"""

    def lock_all(self) -> str:
        """A select list that takes every shard's lock."""
        return f"pg_advisory_xact_lock({self.lock_class}, s) FROM generate_series(0, {SHARDS - 1}) AS s"

    def fill(self, *conditions: str) -> str:
        """INSERT the buckets of the source's rows under `conditions` that are not there yet."""
        targets = ", ".join([self.key_columns, *self.value_columns])
        return f"""INSERT INTO {self.table} ({targets})
SELECT {self._key_list()}{self._value_list()} FROM {self.source}{self._where(*conditions)}
GROUP BY {self._ordinals()} ON CONFLICT ({self.key_columns}) DO NOTHING"""

    def create_trigger(self, operation: str, relation: str) -> str:
        """CREATE TRIGGER for `operation` on the source or on one of its partitions."""
        return (
            f"CREATE TRIGGER {self.trigger(operation)} AFTER {operation.upper()} ON {relation}"
            f" {_TRANSITION[operation]} FOR EACH STATEMENT EXECUTE FUNCTION {self.function(operation)}()"
        )

    def trigger(self, operation: str) -> str:
        """The trigger's name for `operation`."""
        return quote(f"pack2_{self.view.name}_{operation}")


def merged_value(aggregate: Aggregate, stored: str, added: str) -> str:
    """The aggregate of a bucket whose stored part is followed in time by an added part."""
    return {
        "count": f"{stored} + {added}",
        "sum": f"COALESCE({stored} + {added}, {stored}, {added})",
        "min": f"LEAST({stored}, {added})",
        "max": f"GREATEST({stored}, {added})",
        "first": stored,
        "last": added,
    }[aggregate.merge or ""]
