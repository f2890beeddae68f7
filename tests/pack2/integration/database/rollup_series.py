"""A small partitioned series with rollups over it, for the tests of rollups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from pack2.database.rollup_verify import compare
from pack2.database.rollups import applied_sql

SCHEMA = """
CREATE TABLE bars (
    asset_id integer NOT NULL,
    ts timestamptz NOT NULL,
    open double precision NOT NULL,
    close double precision NOT NULL,
    volume double precision,
    PRIMARY KEY (asset_id, ts)
) PARTITION BY RANGE (ts);
CREATE TABLE bars_2026_01 PARTITION OF bars FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE bars_2026_02 PARTITION OF bars FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE VIEW bars_5m AS
SELECT asset_id, date_bin('5 minutes', ts, timestamptz '2000-01-01 00:00:00+00') AS bucket,
       (array_agg(open ORDER BY ts))[1] AS open, (array_agg(close ORDER BY ts DESC))[1] AS close,
       max(close) AS high, min(close) AS low, sum(volume) AS volume, count(*) AS bars
FROM bars GROUP BY asset_id, date_bin('5 minutes', ts, timestamptz '2000-01-01 00:00:00+00');
CREATE VIEW bars_day AS
SELECT date_trunc('day', ts, 'Europe/Paris') AS day, asset_id, avg(close) AS mean, sum(volume) AS volume,
       count(*) FILTER (WHERE close > open) AS rising
FROM bars WHERE volume IS NOT NULL GROUP BY asset_id, date_trunc('day', ts, 'Europe/Paris');
CREATE VIEW bars_asset AS SELECT asset_id, count(*) AS bars, max(ts) AS last FROM bars GROUP BY asset_id;
"""
VIEWS = ("bars_5m", "bars_day", "bars_asset")
NONE = dict.fromkeys(VIEWS, 0)

Connection = psycopg.Connection[tuple[Any, ...]]


def connect(url: str) -> Connection:
    """An autocommit connection as an application has it."""
    connection: Connection = psycopg.connect(url, autocommit=True)
    return connection


def make(url: str) -> None:
    """The series, with some rows on both sides of the border between its partitions."""
    with connect(url) as connection:
        connection.execute(SCHEMA)
        connection.execute(
            "INSERT INTO bars SELECT a, ts, random(), random(), nullif(round(random() * 10), 3)"
            " FROM generate_series(1, 3) a, generate_series(timestamptz '2026-01-31 21:00Z',"
            " '2026-02-01 02:00Z', '1 minute') ts"
        )


def differences(url: str) -> dict[str, int]:
    """Rows of each rollup that are not those of its view."""
    with connect(url) as connection:
        return {view: compare(connection, applied_sql(connection, view)).different for view in VIEWS}


START = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
INSERT = "INSERT INTO bars VALUES (%s, %s, %s, %s, %s)"
UPSERT = (
    INSERT + " ON CONFLICT (asset_id, ts) DO UPDATE SET open = excluded.open, close = excluded.close,"
    " volume = excluded.volume"
)


def at(minute: int) -> datetime:
    """A minute around the border of the two partitions."""
    return START + timedelta(minutes=minute)
