"""The databases of `adaf run`: the untuned original, loaded once, and the tuned copy that is served.

Loading is one transaction and a copy gets its name when it is complete, so a kill leaves no half of either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import psycopg
from psycopg import sql

from adaf import schema
from adaf.sample import Sample, load
from adaf.sample.holdings import find_sample
from adaf.sample.target import stored_passwords
from pack2.config import Config
from pack2.proof.databases import certify, settle
from pack2.proof.tuning import tune
from pack2.services import PostgresServer, Services

SEED = 7

Report = Callable[[str, float], None]
"""Told (what is being done, share done 0…1)."""


def untuned_name(server: PostgresServer, size: str) -> str:
    return f"{server.database}_{size}_untuned"


def ensure_untuned(services: Services, config: Config, size: str, report: Report) -> str:
    """The name of the untuned original, loaded where it was missing or came from another release."""
    server = services.postgres
    name = untuned_name(server, size)
    if server.exists(name) and not _is_current(server, name, size):
        server.drop_database(name)
    if not server.exists(name):
        server.create_database(name)
    _load(services, name, size, report)
    assert config.application is not None
    certify(server, config.application, name, size=size, seed=SEED)
    return name


def ensure_served(services: Services, config: Config, size: str, report: Report) -> None:
    """The application's database holds the sample.

    A missing one becomes a copy of the untuned original; so does an embedded one with another sample or from
    another release. A database by URL is never dropped.
    """
    server = services.postgres
    name = server.database
    if server.pid is not None and server.exists(name) and not _is_current(server, name, size):
        server.drop_database(name)
    if not server.exists(name):
        original = ensure_untuned(services, config, size, report)
        partial = f"{name}_partial"
        server.drop_database(partial)
        report("copying", 0.9)
        server.create_database(partial, template=original)
        server.rename_database(partial, name)
    _load(services, name, size, report)


def tune_served(server: PostgresServer, config: Config) -> None:
    """Indexes, rollups and the change feed's triggers; what is there already stays as it is.

    Settled afterwards where anything is new: stopping the server has nothing left to write then.
    """
    before = _catalogue(server)
    tune(server.url(), config)
    if _catalogue(server) != before:
        settle(server.url())


def _load(services: Services, name: str, size: str, report: Report) -> None:
    """Load what is missing, make the stored passwords valid, and note the schema that it was loaded with."""
    url = services.postgres.url(name)
    secrets = stored_passwords(services.state)
    if not load(url, size=size, seed=SEED, passwords=secrets, progress=report).already_loaded:
        with psycopg.connect(url) as connection:
            note = sql.SQL("COMMENT ON TABLE sample_data IS {}").format(sql.Literal(_schema_digest()))
            connection.execute(note)


def _is_current(server: PostgresServer, name: str, size: str) -> bool:
    """True where `name` holds this sample in this release's schema, or nothing at all."""
    with psycopg.connect(server.url(name), autocommit=True) as connection:
        sample = find_sample(connection)
        if sample is None:
            return True
        row = connection.execute("SELECT obj_description('sample_data'::regclass, 'pg_class')").fetchone()
        return sample == Sample(size, SEED) and row == (_schema_digest(),)


def _schema_digest() -> str:
    text = schema.before_data() + schema.after_data()
    return f"schema {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _catalogue(server: PostgresServer) -> object:
    """Changes with every index, table and trigger that is made."""
    query = "SELECT (SELECT max(oid::bigint) FROM pg_class), (SELECT max(oid::bigint) FROM pg_trigger)"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        return connection.execute(query).fetchone()
