"""Puts the data set into a database in one transaction: a load that is killed leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import psycopg
from argon2 import PasswordHasher
from psycopg import sql

from adaf import schema
from adaf.sample.copy_format import HEADER, TRAILER, encode
from adaf.sample.sizes import SAMPLE_END, SIZES, Size
from adaf.sample.tables import Batch, batches
from pack2.errors import Pack2Error

VERSION = 1  # of the generator: another version makes other bytes
_SPARE_MONTHS = 3

Progress = Callable[[str, float], None]
"""Called with what is being done and the share done, 0 to 1."""


class UnknownSizeError(Pack2Error):
    """There is no sample of size {size!r}. Choose one of {known}."""


class OtherSampleError(Pack2Error):
    """The database holds the sample {found}, not {wanted}. Run `adaf load --replace` to replace it, or name another database."""


class ForeignDatabaseError(Pack2Error):
    """The database holds tables that are not ours ({tables}) and is left alone. Name an empty database with --database-url."""


class LoadError(Pack2Error):
    """The load stopped and left nothing behind: {reason}. Mend that and run `adaf load` again."""


class Passwords(msgspec.Struct, frozen=True):
    """What the named users and the test accounts sign in with; made on this machine, never part of the data."""

    viewer: str
    trader: str
    operator: str
    test_accounts: str


class Sample(msgspec.Struct, frozen=True):
    """Which data a database holds."""

    size: str
    seed: int
    version: int = VERSION

    def __str__(self) -> str:
        return f"{self.size} (seed {self.seed}, version {self.version})"


class Loaded(msgspec.Struct, frozen=True):
    """What `load` did: `rows` a table; empty when the data was there already."""

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
    """Make the schema and the sample data in the database at `url`; without `passwords` nobody may sign in.

    Raises UnknownSizeError, OtherSampleError, ForeignDatabaseError, LoadError.
    """
    import time

    started = time.monotonic()
    if size not in SIZES:
        raise UnknownSizeError(size=size, known=", ".join(SIZES))
    wanted = Sample(size, seed)
    with psycopg.connect(url) as connection:
        rows = _write(connection, SIZES[size], seed, progress)
        connection.commit()
        if passwords is not None:
            _set_passwords(connection, passwords)
            connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")
    return Loaded(wanted, False, rows, time.monotonic() - started)


def _write(connection: psycopg.Connection, size: Size, seed: int, progress: Progress) -> dict[str, int]:
    connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
    connection.execute(schema.before_data())
    connection.execute(
        "SELECT create_market_data_partitions(to_timestamp(%s), %s::timestamptz + make_interval(months => %s))",
        (size.start_microseconds / 1e6, SAMPLE_END, _SPARE_MONTHS),
    )
    rows: dict[str, int] = {}
    for batch in batches(size, seed):
        _copy(connection, batch)
        rows[batch.table] = rows.get(batch.table, 0) + batch.rows
    connection.execute(schema.after_data())
    _advance_identities(connection)
    return rows


def _copy(connection: psycopg.Connection, batch: Batch) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary, FREEZE)").format(
        sql.Identifier(batch.table), sql.SQL(", ").join(map(sql.Identifier, batch.fields))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(HEADER + encode(list(batch.fields.values())) + TRAILER)


def _advance_identities(connection: psycopg.Connection) -> None:
    """The next identity value of each table comes after the largest that was loaded."""
    columns = connection.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND is_identity = 'YES'"
    ).fetchall()
    for table, column in columns:
        connection.execute(
            sql.SQL(
                "SELECT setval(pg_get_serial_sequence({}, {}), coalesce(max({}), 0) + 1, false) FROM {}"
            ).format(sql.Literal(table), sql.Literal(column), sql.Identifier(column), sql.Identifier(table))
        )


def _set_passwords(connection: psycopg.Connection, passwords: Passwords) -> None:
    """Test accounts share one password and so one hash."""
    hasher = PasswordHasher()
    for role in ("viewer", "trader", "operator"):
        connection.execute(
            "UPDATE users SET password_hash = %s WHERE email = %s",
            (hasher.hash(getattr(passwords, role)), f"{role}@adaf.test"),
        )
    connection.execute(
        "UPDATE users SET password_hash = %s WHERE is_test_account", (hasher.hash(passwords.test_accounts),)
    )
