"""PostgreSQL for the dashboard: every statement by its name, every row as a frozen struct, every failure as a 503.

    positions = await db.fetch("portfolio_positions", portfolio_id, type=Position)   # list[Position]
    asset = await db.one("asset_by_symbol", symbol, type=Asset)                      # Asset | None
    count = await db.value("unread_alert_count", user_id)                            # first column | None
    await db.execute("alert_mark_read", alert_id)                                    # "UPDATE 1"
    async with db.transaction() as tx:                                               # same methods, one transaction
        await tx.execute("transaction_insert", ...)
        await tx.execute("position_upsert", ...)

The columns of a statement stand in the order and under the names of the struct's fields; that is checked at its first use.
`db` is `request.db` in handlers (`adaf.request.Request`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
import msgspec

from adaf.problem import Unavailable
from adaf.timing import current
from pack2.database.queries import NamedQuery, load_queries

if TYPE_CHECKING:
    from adaf.settings import Settings

T = TypeVar("T")

STATEMENT_TIMEOUT_SECONDS = 10
POOL_TIMEOUT_SECONDS = 5

_GONE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,  # shutdown, statement_timeout
    asyncpg.InsufficientResourcesError,  # too many connections, disk full
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)


@cache
def named_queries() -> Mapping[str, NamedQuery]:
    """Every statement of the application by name, from the `.sql` files inside the package."""
    root = Path(str(resources.files("adaf")))
    return load_queries(sorted(root.glob("*/queries/*.sql")))


class _Connection(asyncpg.Connection):
    """No statement of ours leaves state in its connection, so nothing is reset when it goes back to the pool.

    The reset would be a second round trip in every request.
    """

    def get_reset_query(self) -> str:
        return ""


class _Statements:
    """The five ways to run a named statement; `_run` says on which connection."""

    _queries: Mapping[str, NamedQuery]

    async def _run(self, method: Callable[..., Any], sql: str, args: tuple[Any, ...]) -> Any:
        raise NotImplementedError

    async def fetch(self, name: str, *args: Any, type: type[T]) -> list[T]:
        """All rows of statement `name`."""
        rows = await self._run(_Connection.fetch, self._queries[name].sql, args)
        if not rows:
            return []
        _check_columns(name, type, tuple(rows[0].keys()))
        return [type(*row) for row in rows]

    async def one(self, name: str, *args: Any, type: type[T]) -> T | None:
        """The first row of statement `name`, or None."""
        row = await self._run(_Connection.fetchrow, self._queries[name].sql, args)
        if row is None:
            return None
        _check_columns(name, type, tuple(row.keys()))
        return type(*row)

    async def value(self, name: str, *args: Any) -> Any:
        """The first column of the first row of statement `name`, or None."""
        return await self._run(_Connection.fetchval, self._queries[name].sql, args)

    async def execute(self, name: str, *args: Any) -> str:
        """Run a write; returns PostgreSQL's command tag, such as `UPDATE 1`."""
        tag: str = await self._run(_Connection.execute, self._queries[name].sql, args)
        return tag

    async def execute_many(self, name: str, rows: list[tuple[Any, ...]]) -> None:
        """Run a write once for each of `rows`, in one implicit transaction."""
        await self._run(_Connection.executemany, self._queries[name].sql, (rows,))


class Database(_Statements):
    """A bounded pool; opens connections when they are first needed, so the application starts without PostgreSQL."""

    def __init__(self, settings: Settings) -> None:
        self._queries = named_queries()
        self._pool = asyncpg.create_pool(
            settings.database_url,
            min_size=0,
            max_size=settings.pool_connections,
            max_inactive_connection_lifetime=0,
            max_queries=2**31,
            command_timeout=STATEMENT_TIMEOUT_SECONDS + 2,
            timeout=POOL_TIMEOUT_SECONDS,
            connection_class=_Connection,
            init=_prepare_connection,
            server_settings={
                "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
                "idle_in_transaction_session_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
                "application_name": "adaf",
                "timezone": "UTC",
            },
        )

    async def start(self) -> None:
        """Make the pool ready for use inside the running event loop."""
        await self._pool

    async def stop(self) -> None:
        """Close every connection, by force after two seconds."""
        try:
            await asyncio.wait_for(self._pool.close(), 2)
        except TimeoutError:
            self._pool.terminate()

    async def _run(self, method: Callable[..., Any], sql: str, args: tuple[Any, ...]) -> Any:
        async with self._connection() as connection:
            return await _timed(method, connection, sql, args)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """One transaction on one connection; commits at the end of the block, rolls back on any exception."""
        async with self._connection() as connection:
            with _failures():
                async with connection.transaction():
                    yield Transaction(self._queries, connection)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[_Connection]:
        started = perf_counter()
        with _failures():
            connection = await self._pool.acquire(timeout=POOL_TIMEOUT_SECONDS)
        if (spent := current.get()) is not None:
            spent.pool_seconds += perf_counter() - started
        try:
            yield connection
        finally:
            await self._pool.release(connection)


class Transaction(_Statements):
    """Statements on the connection of one open transaction."""

    def __init__(self, queries: Mapping[str, NamedQuery], connection: _Connection) -> None:
        self._queries = queries
        self._connection = connection

    async def _run(self, method: Callable[..., Any], sql: str, args: tuple[Any, ...]) -> Any:
        return await _timed(method, self._connection, sql, args)


async def _timed(method: Callable[..., Any], connection: _Connection, sql: str, args: tuple[Any, ...]) -> Any:
    started = perf_counter()
    try:
        with _failures():
            return await method(connection, sql, *args)
    finally:
        if (spent := current.get()) is not None:
            spent.db_seconds += perf_counter() - started
            spent.queries += 1


class _failures:  # noqa: N801 - reads as a statement; a generator-based one would cost 1 µs more on the hot path
    """PostgreSQL away, overloaded or too slow becomes Unavailable (503); asyncpg.DataError (bad input) passes through."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _GONE) and not isinstance(error, asyncpg.DataError):
            raise Unavailable("The database does not answer at the moment; try again.") from error


@cache
def _check_columns(name: str, type: type[Any], columns: tuple[str, ...]) -> None:
    fields = tuple(getattr(type, "__struct_fields__", ()))
    if fields and fields[: len(columns)] != columns:
        raise TypeError(
            f"query {name} yields the columns {columns}, but {type.__name__} has the fields {fields}"
        )


async def _prepare_connection(connection: _Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: b"\x01" + msgspec.json.encode(value),
        decoder=lambda data: msgspec.json.decode(memoryview(data)[1:]),
        format="binary",
    )
