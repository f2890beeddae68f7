"""What can go wrong in the database room. Each message says what to do next."""

from __future__ import annotations

from pack2.errors import Pack2Error


class IndexFileError(Pack2Error):
    """{path}:{line}: {reason}. Only `-- serves: query, …` followed by `CREATE INDEX CONCURRENTLY IF NOT
    EXISTS idx_… ON …;` may stand here; correct the line and run the command again."""


class IndexConflictError(Pack2Error):
    """Index {name} exists already with another definition ({found}; the file has {wanted}). Keep it under
    another name in the file, or run `DROP INDEX CONCURRENTLY {name};` and apply again."""


class IndexTargetError(Pack2Error):
    """Index {name} cannot stand on {table}: {reason}. {action}."""


class LockTimeoutError(Pack2Error):
    """{what} did not get its lock in {attempts} attempts. {blockers} End that transaction, or run the
    command again at a quieter time; what was finished stays."""


class BusyError(Pack2Error):
    """Another run of `pack2 {command}` is at work in this database (process {pid}) and did not end within
    {seconds:.0f} s. Wait for it, then run the command again."""


class DatabaseUnreachableError(Pack2Error):
    """{url} does not answer: {reason}. Correct DATABASE_URL or --database-url, or start the server."""


class DatabaseInUseError(Pack2Error):
    """Database {database} can not be copied for measuring while {sessions} other sessions use it. Stop the
    application, or point --database-url at a restored copy."""


class DatabaseRightsError(Pack2Error):
    """{what} needs a right that role {role} lacks. Run as a superuser: {statement}"""


class StatementsMissingError(Pack2Error):
    """pg_stat_statements is not available in this database: {reason}. {action}"""


class SampleError(Pack2Error):
    """Query {name} ({path}) can not be measured: {reason}. Correct its `-- sample:` or its SQL."""


class UnsupportedViewError(Pack2Error):
    """View {view} can not become a rollup: {reason}. A rollup is a plain view `SELECT group keys,
    aggregates FROM one_table [WHERE …] GROUP BY keys`; `docs/rollups.md` lists what is supported."""


class RollupMissingError(Pack2Error):
    """{view} is no rollup in this database. Run `pack2 rollup apply {view}` first."""


class RollupConflictError(Pack2Error):
    """Rollup {view} can not be changed: {reason}. {action}"""
