"""Fills the notes: `python load.py SIZE SEED`."""

from __future__ import annotations

import os
import sys

import psycopg

ROWS = {"mini": 60_000}


def main(size: str, seed: str) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute(
            "CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            " owner int NOT NULL, body text NOT NULL)"
        )
        connection.execute(
            "INSERT INTO notes (owner, body) SELECT 1 + (n * 7919 + %s) %% 6000, repeat('word ', 20) || n"
            " FROM generate_series(1, %s::int) n",
            (int(seed), ROWS[size]),
        )


main(*sys.argv[1:])
