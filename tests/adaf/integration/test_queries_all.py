"""Every named statement of the application, run with its own sample on the sample data."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import msgspec
import pytest

from adaf.database import named_queries
from pack2.database.queries import NamedQuery

QUERIES = named_queries()
SAMPLED = sorted(name for name, query in QUERIES.items() if query.sample_sql is not None)
WRITES = sorted(set(QUERIES) - set(SAMPLED))
MOST_ROWS_A_SAMPLE = 50

_CHANGES = re.compile(r"\b(INSERT|UPDATE|DELETE|FOR UPDATE|FOR SHARE|pg_notify)\b")


@pytest.fixture
async def connection(sample_copy: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the sample data as it was when its sessions lived (they end by the real clock)."""
    opened = await asyncpg.connect(sample_copy)
    try:
        await opened.set_type_codec(
            "jsonb",
            schema="pg_catalog",
            encoder=lambda value: msgspec.json.encode(value).decode(),
            decoder=msgspec.json.decode,
        )
        await opened.execute("UPDATE sessions SET expires_at = now() + interval '1 hour'")
        yield opened
    finally:
        await opened.close()


async def _sample(connection: asyncpg.Connection, query: NamedQuery) -> list[tuple[Any, ...]]:
    assert query.sample_sql is not None
    return [tuple(row) for row in await connection.fetch(query.sample_sql)]


def test_there_are_enough_named_queries() -> None:
    """The dashboard has at least 40 named statements, most of them reads that can be replayed."""
    assert len(QUERIES) >= 40
    assert len(SAMPLED) >= 40


@pytest.mark.parametrize("name", WRITES)
def test_what_has_no_sample_writes(name: str) -> None:
    """A statement without sample changes or locks something; every read can be replayed."""
    assert _CHANGES.search(QUERIES[name].sql)


@pytest.mark.parametrize("name", SAMPLED)
def test_what_has_a_sample_reads(name: str) -> None:
    """Replaying a sample changes nothing."""
    assert not _CHANGES.search(QUERIES[name].sql)


async def test_every_statement_is_valid(connection: asyncpg.Connection) -> None:
    """PostgreSQL accepts each statement as written."""
    for name, query in QUERIES.items():
        try:
            await connection.prepare(query.sql)
        except asyncpg.PostgresError as error:
            pytest.fail(f"{name}: {error}")


async def test_every_sample_yields_rows(connection: asyncpg.Connection) -> None:
    """Each read returns at least one row for its sample, whose parameters fit, on the smallest data."""
    empty = []
    for name in SAMPLED:
        rows = 0
        for parameters in await _sample(connection, QUERIES[name]):
            rows += len(await connection.fetch(QUERIES[name].sql, *parameters))
        if not rows:
            empty.append(name)
    assert empty == []


async def test_every_sample_is_deterministic_and_small(connection: asyncpg.Connection) -> None:
    """A sample yields the same 1 to 50 distinct parameter rows each time."""
    for name in SAMPLED:
        first = await _sample(connection, QUERIES[name])
        assert sorted(map(repr, first)) == sorted(map(repr, await _sample(connection, QUERIES[name]))), name
        assert 1 <= len(first) <= MOST_ROWS_A_SAMPLE, name
        assert not first[0] or len(set(map(repr, first))) == len(first), name


async def test_every_read_can_be_explained(connection: asyncpg.Connection) -> None:
    """Each read has a plan for its sample's parameters, as the index tools need."""
    for name in SAMPLED:
        parameters = (await _sample(connection, QUERIES[name]))[0]
        plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {QUERIES[name].sql}", *parameters)
        assert '"Plan"' in plan, name
