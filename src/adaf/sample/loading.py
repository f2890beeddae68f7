"""Puts the data set into a database in one transaction: a load that is killed leaves nothing behind.

Rows go in by binary COPY with FREEZE into tables without keys; keys, foreign keys and identity values
follow, then VACUUM (ANALYZE). The database's own samples make its statistics: copy a database to compare on
equal ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import psycopg
from psycopg import sql

from adaf import schema
from adaf.sample.copy_format import HEADER, TRAILER, encode
from adaf.sample.errors import LoadError, OtherSampleError, UnknownSizeError
from adaf.sample.holdings import Connection, Sample, drop_sample, find_sample
from adaf.sample.passwords import Passwords, set_passwords
from adaf.sample.sizes import SAMPLE_END, SIZES, Size
from adaf.sample.tables import Batch, batches, expected_rows
from pack2.database.connection import connect
from pack2.jobs import ensure_jobs

SPARE_MONTHS = 3  # partitions after the data's end
_DATA_SHARE = 0.8  # of the whole time

Progress = Callable[[str, float], None]
"""Told what is being done, and the share done, 0 to 1."""


class Loaded(msgspec.Struct, frozen=True):
    """What `load` did: rows a table, none where the data was there already."""

    sample: Sample
    already_loaded: bool
    rows: dict[str, int]
    seconds: float


def load(
    url: str,
    *,
    size: str = "small",
    seed: int = 7,
    passwords: Passwords | None = None,
    replace: bool = False,
    progress: Progress = lambda _step, _share: None,
) -> Loaded:
    """Make schema and sample data in the database at `url`; without `passwords` nobody may sign in.

    Where the same sample is there already, only the passwords are seen to. Raises UnknownSizeError,
    OtherSampleError (unless `replace`), ForeignDatabaseError, LoadError, DatabaseUnreachableError.
    """
    started = time.monotonic()
    if size not in SIZES:
        raise UnknownSizeError(size=size, known=", ".join(SIZES))
    wanted = Sample(size, seed)
    rows: dict[str, int] = {}
    with connect(url) as connection, _failures_told():
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('adaf load', 0))")
            found = find_sample(connection)
            already_loaded = found == wanted and not replace
            if not already_loaded:
                _make_room(connection, found, wanted, replace=replace)
                rows = _write(connection, wanted, progress)
            if passwords is not None:
                set_passwords(connection, passwords)
        _vacuum(connection, progress)
    return Loaded(wanted, already_loaded, rows, round(time.monotonic() - started, 3))


def _make_room(connection: Connection, found: Sample | None, wanted: Sample, *, replace: bool) -> None:
    if found is None:
        return
    if not replace:
        raise OtherSampleError(found=found, wanted=wanted)
    drop_sample(connection)


def _write(connection: Connection, wanted: Sample, progress: Progress) -> dict[str, int]:
    """Rows a table."""
    size = SIZES[wanted.size]
    connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
    connection.execute(schema.before_data())
    ensure_jobs(connection)
    connection.execute(
        "SELECT create_market_data_partitions(to_timestamp(%s), %s + make_interval(months => %s))",
        (size.start_microseconds / 1e6, SAMPLE_END, SPARE_MONTHS),
    )
    connection.execute(
        "INSERT INTO sample_data (size, seed, version) VALUES (%s, %s, %s)", tuple(_values(wanted))
    )
    rows = _copy_all(connection, size, wanted.seed, progress)
    progress("keys and foreign keys", _DATA_SHARE)
    connection.execute(schema.after_data())
    _advance_identities(connection)
    return rows


def _values(sample: Sample) -> tuple[str, int, int]:
    return sample.size, sample.seed, sample.version


def _copy_all(connection: Connection, size: Size, seed: int, progress: Progress) -> dict[str, int]:
    rows: dict[str, int] = {}
    done, expected = 0, expected_rows(size)
    for batch in batches(size, seed):
        table = "market_data" if batch.table.startswith("market_data") else batch.table
        progress(table, min(done / expected, 1) * _DATA_SHARE)
        _copy(connection, batch)
        rows[table] = rows.get(table, 0) + batch.rows
        done += batch.rows
    return rows


def _copy(connection: Connection, batch: Batch) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary, FREEZE)").format(
        sql.Identifier(batch.table), sql.SQL(", ").join(map(sql.Identifier, batch.fields))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(HEADER + encode(list(batch.fields.values())) + TRAILER)


def _advance_identities(connection: Connection) -> None:
    """The next identity value of each table comes after the largest that was loaded."""
    columns = connection.execute(
        "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relnamespace = 'public'::regnamespace AND a.attidentity <> ''"
    ).fetchall()
    for table, column in columns:
        statement = "SELECT setval(pg_get_serial_sequence({}, {}), coalesce(max({}), 0) + 1, false) FROM {}"
        connection.execute(
            sql.SQL(statement).format(
                sql.Literal(table), sql.Literal(column), sql.Identifier(column), sql.Identifier(table)
            )
        )


def _vacuum(connection: Connection, progress: Progress) -> None:
    """Statistics and visibility map, once a load; a load that was killed here is completed by the next."""
    if connection.execute("SELECT FROM sample_data WHERE NOT is_vacuumed").fetchone() is None:
        return
    tables = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT relispartition ORDER BY relname"
    ).fetchall()
    for number, (table,) in enumerate(tables):
        progress("statistics", 0.9 + 0.1 * number / len(tables))
        connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
    connection.execute("UPDATE sample_data SET is_vacuumed = true")
    progress("done", 1)


@contextmanager
def _failures_told() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.DiskFull:
        raise LoadError(reason="the database server's disk is full") from None
    except psycopg.OperationalError as error:
        raise LoadError(reason=f"the database server went away ({_first_line(error)})") from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise LoadError(reason=f"{_first_line(error)}; the role must own the database") from None


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
