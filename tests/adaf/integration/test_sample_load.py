"""Loading the sample: once, twice, half, replaced, refused; and what then stands in the database."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg
import pytest
from argon2 import PasswordHasher
from psycopg import sql

from adaf.sample import SAMPLE_END, SIZES, Passwords, Sample, load
from adaf.sample.errors import ForeignDatabaseError, LoadError, OtherSampleError, UnknownSizeError
from adaf.sample.holdings import find_sample
from adaf.sample.loading import SPARE_MONTHS
from pack2.services import PostgresServer

PASSWORDS = Passwords(viewer="v", trader="t", operator="o", test_accounts="many")
Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def sample(sample_database: str) -> Iterator[Connection]:
    """The shared sample, for reading."""
    with psycopg.connect(sample_database, autocommit=True) as connection:
        yield connection


def _rows(url_or_connection: str | Connection, query: LiteralString) -> list[tuple[Any, ...]]:
    if isinstance(url_or_connection, str):
        with psycopg.connect(url_or_connection, autocommit=True) as connection:
            return connection.execute(query).fetchall()
    return url_or_connection.execute(query).fetchall()


def _digest(url: str) -> dict[str, str]:
    """A digest of each table's rows in the order in which they lie, without what belongs to the machine or
    the day.
    """
    tables = _rows(
        url,
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        " AND relname <> 'sample_data'",
    )
    found = {}
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for (table,) in tables:
            digest = hashlib.sha256()
            with cursor.copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
                for block in copy:
                    digest.update(block)
            found[table] = digest.hexdigest()
    return found


def test_two_loads_hold_the_same_rows(database: str, sample_database: str) -> None:
    """The same size and seed make the same rows in the same places."""
    load(database, size="tiny")
    assert _digest(database) == _digest(sample_database)


def test_a_second_load_changes_nothing(database: str) -> None:
    """What is there already is recognised and left as it is."""
    first = load(database, size="tiny")
    before = _digest(database)
    second = load(database, size="tiny")
    assert (first.already_loaded, second.already_loaded, second.rows) == (False, True, {})
    assert _digest(database) == before


def test_another_sample_is_refused_without_replace(sample_copy: str) -> None:
    """Another seed or size is not mixed in: the message names both and the way out."""
    with pytest.raises(OtherSampleError, match=r"tiny \(seed 7.*not tiny \(seed 8.*--replace"):
        load(sample_copy, size="tiny", seed=8)


def test_replace_puts_the_other_sample_in_place(sample_copy: str, sample_database: str) -> None:
    """After a replacement everything is that of the new seed, and what Pack 2 kept about the old is gone."""
    with psycopg.connect(sample_copy, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA pack2_tuning CREATE TABLE index_ledger (name text)")
        connection.execute("CREATE TABLE kept AS SELECT * FROM candles_1d")
        connection.execute("DROP VIEW candles_1d")
        connection.execute("ALTER TABLE kept RENAME TO candles_1d")
    load(sample_copy, size="tiny", seed=8, replace=True)
    with psycopg.connect(sample_copy) as connection:
        assert find_sample(connection) == Sample("tiny", 8)
        assert connection.execute("SELECT to_regnamespace('pack2_tuning')").fetchone() == (None,)
        assert connection.execute("SELECT relkind FROM pg_class WHERE relname = 'candles_1d'").fetchone() == (
            "v",
        )
    assert _digest(sample_copy)["transactions"] != _digest(sample_database)["transactions"]


@pytest.mark.parametrize("replace", [False, True])
def test_foreign_tables_are_never_dropped(sample_copy: str, replace: bool) -> None:
    """A database with a table of somebody else's is left alone, with --replace too."""
    with psycopg.connect(sample_copy, autocommit=True) as connection:
        connection.execute("CREATE TABLE customers (id integer)")
    with pytest.raises(ForeignDatabaseError, match="customers"):
        load(sample_copy, size="tiny", seed=8, replace=replace)
    assert _rows(sample_copy, "SELECT count(*) FROM assets") == [(8,)]


def test_our_tables_with_other_data_are_foreign_too(database: str) -> None:
    """Tables of our names that no load filled may hold somebody's real data."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE assets (id integer)")
    with pytest.raises(ForeignDatabaseError, match="assets"):
        load(database, size="tiny", replace=True)


def test_an_unknown_size_names_the_known(database: str) -> None:
    """The sizes are told."""
    with pytest.raises(UnknownSizeError, match="tiny, small, medium, large"):
        load(database, size="huge")


@pytest.mark.parametrize("step", ["transactions", "keys and foreign keys", "statistics"])
def test_a_load_killed_half_way_is_done_again(database: str, sample_database: str, step: str) -> None:
    """A load whose server process is ended says so; the next one makes the same rows as any."""

    def end_backend(now: str, _share: float) -> None:
        if now == step:
            with psycopg.connect(database, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    with pytest.raises(LoadError, match="the database server went away"):
        load(database, size="tiny", progress=end_backend)
    assert not load(database, size="tiny").already_loaded or step == "statistics"
    assert _digest(database) == _digest(sample_database)
    assert _rows(database, "SELECT is_vacuumed FROM sample_data") == [(True,)]


def test_two_loads_at_once_are_one(database: str) -> None:
    """Whoever comes second waits, and finds the sample there."""
    outcomes: list[bool] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(load(database, size="tiny").already_loaded))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, True]


def test_progress_goes_from_nothing_to_all(database: str) -> None:
    """The share done never falls and ends at 1."""
    shares: list[float] = []
    load(database, size="tiny", progress=lambda _step, share: shares.append(share))
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)


def test_named_users_and_test_accounts_may_sign_in_and_nobody_else(sample_copy: str) -> None:
    """Given passwords are the valid ones; test accounts share one hash; everybody else has none."""
    assert _rows(sample_copy, "SELECT count(*) FROM users WHERE password_hash IS NOT NULL") == [(0,)]
    load(sample_copy, size="tiny", passwords=PASSWORDS)
    hashes = dict(
        _rows(sample_copy, "SELECT email, password_hash FROM users WHERE password_hash IS NOT NULL")
    )
    assert len(hashes) == 3 + SIZES["tiny"].test_accounts
    for name in ("viewer", "trader", "operator"):
        assert PasswordHasher().verify(hashes[f"{name}@adaf.test"], getattr(PASSWORDS, name))
    assert PasswordHasher().verify(hashes["load-020@test.invalid"], "many")
    assert len(set(hashes.values())) == 4


def test_passwords_that_are_valid_stay_as_they_are(sample_copy: str) -> None:
    """Loading again with the same passwords rewrites no hash; a changed one ends that user's sessions
    alone.
    """
    load(sample_copy, size="tiny", passwords=PASSWORDS)
    query: LiteralString = "SELECT password_hash FROM users WHERE id <= 3 ORDER BY id"
    before = _rows(sample_copy, query)
    with psycopg.connect(sample_copy) as connection:
        connection.execute(
            "INSERT INTO sessions (token_hash, user_id, expires_at)"
            " SELECT int8send(id), id, now() + interval '1 hour' FROM users WHERE id <= 3"
        )
    load(sample_copy, size="tiny", passwords=PASSWORDS)
    assert _rows(sample_copy, query) == before
    load(sample_copy, size="tiny", passwords=Passwords("v", "new", "o", "many"))
    after = _rows(sample_copy, query)
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True]
    live = "SELECT user_id FROM sessions WHERE expires_at > now() ORDER BY user_id"
    assert _rows(sample_copy, live) == [(1,), (3,)]


def test_partitions_cover_the_data_and_three_months_more(sample: Connection) -> None:
    """Every month from the first bar to three months after the last has its partition, and none is a
    default.
    """
    names = [name for (name,) in _rows(
        sample,
        "SELECT inhrelid::regclass::text FROM pg_inherits"
        " WHERE inhparent = 'market_data'::regclass ORDER BY 1"
    )]  # fmt: skip
    start = datetime.fromtimestamp(SIZES["tiny"].start_microseconds / 1e6, UTC)
    months = range(start.year * 12 + start.month - 1, SAMPLE_END.year * 12 + SAMPLE_END.month + SPARE_MONTHS)
    assert names == [f"market_data_{month // 12}_{month % 12 + 1:02d}" for month in months]


def test_partitions_are_created_once(sample_copy: str) -> None:
    """Asking for months that exist creates nothing; a missing month in between is created."""
    call = "SELECT create_market_data_partitions('2026-09-30 23:59:59+00', '2027-03-01 00:00:00+00')"
    assert [_rows(sample_copy, call), _rows(sample_copy, call)] == [[(2,)], [(0,)]]


def test_identities_continue_after_the_data(sample_copy: str) -> None:
    """The next row of each table gets the id after the largest."""
    with psycopg.connect(sample_copy) as connection:
        last = connection.execute("SELECT max(id) FROM users").fetchone()
        new = connection.execute(
            "INSERT INTO users (email, name, role) VALUES ('new@x.test', 'N', 'viewer') RETURNING id"
        ).fetchone()
        assert last is not None
        assert new == (last[0] + 1,)
        columns = connection.execute(
            "SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " WHERE a.attidentity <> '' AND c.relnamespace = 'public'::regnamespace"
        ).fetchall()
        for (table,) in columns:
            query = sql.SQL("SELECT nextval(pg_get_serial_sequence({}, 'id')) > (SELECT max(id) FROM {})")
            named = query.format(sql.Literal(table), sql.Identifier(table))
            assert connection.execute(named).fetchone() == (True,), table


def test_every_table_has_a_primary_key_and_statistics(sample: Connection) -> None:
    """Bulk loading left no table without its key (but the marker), and the planner knows every table."""
    without_key = _rows(
        sample,
        "SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary)",
    )
    assert without_key == [("sample_data",)]
    assert _rows(
        sample, "SELECT count(DISTINCT tablename) >= 18 FROM pg_stats WHERE schemaname = 'public'"
    ) == [(True,)]


def test_a_server_that_is_not_there_is_one_line(postgres: PostgresServer) -> None:
    """A wrong address is told without its password."""
    from pack2.database.errors import DatabaseUnreachableError

    with pytest.raises(DatabaseUnreachableError) as told:
        load("postgresql://someone:secret@127.0.0.1:1/nothing", size="tiny")
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)
