"""The databases of `adaf run`: the untuned original, loaded once, and the tuned copy that is served.

Loading is one transaction and a copy gets its name when it is complete, so a kill leaves no half of either.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg

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
    """The name of the untuned original, loaded where it was missing."""
    server = services.postgres
    name = untuned_name(server, size)
    url = server.url(name) if server.exists(name) else server.create_database(name)
    load(url, size=size, seed=SEED, passwords=stored_passwords(services.state), progress=report)
    assert config.application is not None
    certify(server, config.application, name, size=size, seed=SEED)
    return name


def ensure_served(services: Services, config: Config, size: str, report: Report) -> None:
    """The application's database holds the sample and is tuned.

    A missing one becomes a copy of the untuned original; an embedded one with another sample is replaced.
    """
    server = services.postgres
    if server.pid is not None and server.exists(server.database) and _sample(server) != Sample(size, SEED):
        server.drop_database(server.database)
    is_new = not server.exists(server.database)
    if is_new:
        original = ensure_untuned(services, config, size, report)
        partial = f"{server.database}_partial"
        server.drop_database(partial)
        report("copying", 0.9)
        server.create_database(partial, template=original)
        server.rename_database(partial, server.database)
    load(server.url(), size=size, seed=SEED, passwords=stored_passwords(services.state), progress=report)


def tune_served(server: PostgresServer, config: Config) -> None:
    """Indexes, rollups and the change feed's triggers; what is there already stays as it is.

    Settled afterwards where anything is new: stopping the server has nothing left to write then.
    """
    before = _catalogue(server)
    tune(server.url(), config)
    if _catalogue(server) != before:
        settle(server.url())


def _sample(server: PostgresServer) -> Sample | None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        return find_sample(connection)


def _catalogue(server: PostgresServer) -> object:
    """Changes with every index, table and trigger that is made."""
    query = "SELECT (SELECT max(oid::bigint) FROM pg_class), (SELECT max(oid::bigint) FROM pg_trigger)"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        return connection.execute(query).fetchone()
