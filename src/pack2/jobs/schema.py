"""Procrastinate's objects in a schema of their own, made once and left alone afterwards.

Its functions name its tables without a schema. Each gets a fixed search path here, so that a request can call
`procrastinate.procrastinate_defer_jobs_v1(…)` in its own transaction, whatever search path it has.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg
from procrastinate.schema import SchemaManager
from psycopg import sql

SCHEMA: Final = "procrastinate"

_FUNCTIONS = """
SELECT p.oid::regprocedure::text FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'procrastinate' ORDER BY 1
"""


def ensure_jobs(connection: psycopg.Connection[Any]) -> bool:
    """Make the schema where it is missing, in one transaction; True where it was made."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('pack2 jobs', 0))")
        found = connection.execute("SELECT to_regclass('procrastinate.procrastinate_jobs')").fetchone()
        if found != (None,):
            return False
        (path,) = connection.execute("SELECT current_setting('search_path')").fetchone() or ("",)
        connection.execute("CREATE SCHEMA IF NOT EXISTS procrastinate")
        connection.execute("SELECT set_config('search_path', 'procrastinate', true)")
        connection.execute(SchemaManager.get_schema())
        connection.execute("SELECT set_config('search_path', %s, true)", (path,))
        for (signature,) in connection.execute(_FUNCTIONS).fetchall():
            statement = "ALTER FUNCTION {} SET search_path = procrastinate, pg_catalog"
            connection.execute(sql.SQL(statement).format(sql.SQL(signature)))
    return True
