"""The untuned original and its copies on a real server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from pack2.config import Application, Config, load_config
from pack2.proof.databases import Names, ensure_untuned, make_copies, settings
from pack2.proof.errors import LoadFailedError
from pack2.services import PostgresServer

CONFIG = Path("tests/pack2/examples/notes/pack2.toml")


@pytest.fixture
def config() -> Config:
    return load_config(CONFIG)


@pytest.fixture
def application(config: Config) -> Application:
    assert config.application is not None
    return config.application


@pytest.fixture
def which(postgres: PostgresServer) -> Iterator[Names]:
    found = Names(*(f"proof_{os.getpid()}_{part}" for part in ("untuned", "before", "after")))
    yield found
    for name in (found.untuned, found.before, found.after):
        postgres.drop_database(name)


def ensure(server: PostgresServer, application: Application, name: str, **options: object) -> bool:
    values = {"size": "mini", "seed": 7, "environment": {}} | options
    return ensure_untuned(server, application, name, **values)  # type: ignore[arg-type]


def test_the_original_is_loaded_once(
    postgres: PostgresServer, application: Application, which: Names
) -> None:
    """A complete one of the same size and seed is used again; another seed, or `reload`, loads anew."""
    assert ensure(postgres, application, which.untuned)
    assert not ensure(postgres, application, which.untuned)
    assert ensure(postgres, application, which.untuned, seed=8)
    assert ensure(postgres, application, which.untuned, seed=8, reload=True)


def test_another_schema_is_loaded_anew(
    postgres: PostgresServer, application: Application, which: Names
) -> None:
    """When a file that decides what `load` makes has changed, the old sample does not fit the application."""
    schema = Path("build/test-load-inputs") / f"{os.getpid()}.sql"
    schema.parent.mkdir(parents=True, exist_ok=True)
    schema.write_text("one")
    declared = msgspec.structs.replace(application, load_inputs=(str(schema),))
    assert ensure(postgres, declared, which.untuned)
    assert not ensure(postgres, declared, which.untuned)
    schema.write_text("two")
    assert ensure(postgres, declared, which.untuned)
    schema.unlink()


def test_a_half_loaded_original_is_loaded_anew(
    postgres: PostgresServer, application: Application, which: Names
) -> None:
    """Without its certificate a database is a leftover, whatever it holds."""
    postgres.create_database(which.untuned)
    assert ensure(postgres, application, which.untuned)


def test_a_failing_load_is_told_with_its_reason(
    postgres: PostgresServer, application: Application, which: Names
) -> None:
    """The command, its exit code and its last line; and no certificate is left."""
    with pytest.raises(LoadFailedError, match="KeyError: 'unheard-of'"):
        ensure(postgres, application, which.untuned, size="unheard-of")


def test_one_copy_is_tuned_and_the_other_is_not(
    postgres: PostgresServer, application: Application, config: Config, which: Names
) -> None:
    """Both hold the same rows; the index is in one; leftovers of an earlier proof are replaced."""
    ensure(postgres, application, which.untuned)
    postgres.create_database(which.after)
    make_copies(postgres, config, which)
    found = {}
    for name in (which.before, which.after):
        with psycopg.connect(postgres.url(name)) as connection:
            rows = connection.execute("SELECT count(*) FROM notes").fetchone()
            indexes = connection.execute(
                "SELECT indexname FROM pg_indexes WHERE tablename = 'notes' ORDER BY 1"
            )
            found[name] = (rows, [row[0] for row in indexes])
    assert found[which.before] == ((60_000,), ["notes_pkey"])
    assert found[which.after] == ((60_000,), ["idx_notes_owner", "notes_pkey"])


def test_the_servers_settings_are_recorded(postgres: PostgresServer) -> None:
    """Version and what was set by hand: without these a figure can not be repeated."""
    found = settings(postgres.url("postgres"))
    assert found["server_version"].startswith("18")
    assert "shared_buffers" in found
