"""The databases that `adaf run` keeps: loaded once, replaced when they come from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from adaf.run import data
from pack2.config import Config, load_config
from pack2.services import PostgresServer, Services

ROOT = Path(__file__).parents[3]


@pytest.fixture
def found(running_services: Services) -> Iterator[Services]:
    """The run's services with an application database of this test's own name."""
    server = running_services.postgres
    own = PostgresServer(server.url("run_data"), pid=server.pid)
    yield Services(postgres=own, redis=running_services.redis, state=running_services.state)
    for name in ("run_data", "run_data_partial", "run_data_tiny_untuned"):
        server.drop_database(name)


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(ROOT / "pack2.toml")


def silent(_what: str, _share: float) -> None:
    """No progress."""


def oid(server: PostgresServer, name: str) -> object:
    """The identity of a database: another one after it was made anew."""
    with psycopg.connect(server.url("postgres")) as connection:
        return connection.execute("SELECT oid FROM pg_database WHERE datname = %s", (name,)).fetchone()


def test_a_second_run_keeps_what_is_there(found: Services, config: Config) -> None:
    """Neither the original nor the served copy is made twice, and a trade in the copy survives."""
    data.ensure_served(found, config, "tiny", silent)
    with psycopg.connect(found.postgres.url()) as connection:
        connection.execute("UPDATE portfolios SET name = 'mine' WHERE id = (SELECT min(id) FROM portfolios)")
    names = ("run_data", "run_data_tiny_untuned")
    before = [oid(found.postgres, name) for name in names]
    data.ensure_served(found, config, "tiny", silent)
    data.ensure_untuned(found, config, "tiny", silent)
    assert [oid(found.postgres, name) for name in names] == before
    with psycopg.connect(found.postgres.url()) as connection:
        assert connection.execute("SELECT count(*) FROM portfolios WHERE name = 'mine'").fetchone() == (1,)


def test_a_copy_that_was_not_finished_is_made_again(found: Services, config: Config) -> None:
    """A kill between copying and renaming leaves a partial copy, which the next run replaces."""
    found.postgres.create_database("run_data_partial")
    data.ensure_served(found, config, "tiny", silent)
    assert not found.postgres.exists("run_data_partial")


def test_a_database_of_another_release_is_replaced(found: Services, config: Config) -> None:
    """An embedded database with another schema is made anew, original and copy."""
    data.ensure_served(found, config, "tiny", silent)
    names = ("run_data", "run_data_tiny_untuned")
    before = [oid(found.postgres, name) for name in names]
    for name in names:
        with psycopg.connect(found.postgres.url(name)) as connection:
            connection.execute("COMMENT ON TABLE sample_data IS 'schema of an older release'")
    data.ensure_served(found, config, "tiny", silent)
    assert all(oid(found.postgres, name) != old for name, old in zip(names, before, strict=True))


def test_tuning_again_changes_nothing(found: Services, config: Config) -> None:
    """Indexes, rollups and triggers are applied once; the second time is quick and makes nothing."""
    relative = msgspec.structs.replace(config, indexes=str(ROOT / config.indexes))
    data.ensure_served(found, config, "tiny", silent)
    data.tune_served(found.postgres, relative)
    before = catalogue(found.postgres)
    data.tune_served(found.postgres, relative)
    assert catalogue(found.postgres) == before
    data.ensure_served(found, config, "tiny", silent)
    assert catalogue(found.postgres) == before


def catalogue(server: PostgresServer) -> list[object]:
    """All relations and triggers of the application's database."""
    query = "SELECT oid FROM pg_class UNION ALL SELECT oid FROM pg_trigger ORDER BY 1"
    with psycopg.connect(server.url()) as connection:
        return [row[0] for row in connection.execute(query)]
