"""PostgreSQL for the dashboard: every statement by its name, every row a frozen struct, every failure a 503.

    positions = await db.fetch("portfolio_positions", portfolio_id, type=Position)   # list[Position]
    asset = await db.one("asset_by_symbol", symbol, type=Asset)                      # Asset | None
    count = await db.value("unread_alert_count", user_id)                            # first column | None
    await db.execute("alert_mark_read", alert_id)                                    # "UPDATE 1"
    notes = await db.shared("search_notes", text, type=Note, tags=("research",))     # tuple[Note, ...], kept
    async with db.transaction() as tx:                                               # the same methods
        await tx.execute("transaction_insert", ...)
        await tx.execute("position_upsert", ...)

The columns of a statement stand in the order and under the names of the struct's fields; its first use checks
that. `db` is `request.db` in handlers (`adaf.request.Request`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
import msgspec

from adaf.metrics.meter import Meter
from adaf.problem import Unavailable
from adaf.timing import current
from pack2.database.queries import NamedQuery, load_queries

if TYPE_CHECKING:
    from adaf.settings import Settings
    from pack2.cache import Cache
    from pack2.monitoring import Recorder

T = TypeVar("T")
_checked: set[tuple[str, type[Any]]] = set()

STATEMENT_TIMEOUT_SECONDS = 10
POOL_TIMEOUT_SECONDS = 5
SHARED_SECONDS = 300

AWAY = "The database does not answer at the moment; try again."
_GONE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutdown, statement_timeout
    asyncpg.InsufficientResourcesError,  # too many connections, disk full
    asyncpg.InterfaceError,  # DataError, bad input, is one too and passes
    asyncpg.InternalClientError,  # a statement on a connection that the server just ended
)


@cache
def named_queries() -> Mapping[str, NamedQuery]:
    """Every statement of the application by name, from the `.sql` files inside the package."""
    root = Path(str(resources.files("adaf")))
    return load_queries(sorted(root.glob("*/queries/*.sql")))


class _Statements(ABC):
    """The ways to run a named statement; `_run` says on which connection."""

    _queries: Mapping[str, NamedQuery]

    @abstractmethod
    async def _run(self, method: str, query: NamedQuery, args: tuple[Any, ...]) -> Any:
        """Call `method` of a connection."""

    async def fetch(self, name: str, *args: Any, type: type[T]) -> list[T]:
        """All rows of statement `name`."""
        rows = await self._run("fetch", self._queries[name], args)
        if not rows:
            return []
        if (name, type) not in _checked:
            _check_columns(name, type, rows[0])
        return [type(*row) for row in rows]

    async def one(self, name: str, *args: Any, type: type[T]) -> T | None:
        """The first row of statement `name`, or None."""
        row = await self._run("fetchrow", self._queries[name], args)
        if row is None:
            return None
        if (name, type) not in _checked:
            _check_columns(name, type, row)
        return type(*row)

    async def value(self, name: str, *args: Any) -> Any:
        """The first column of the first row of statement `name`, or None."""
        return await self._run("fetchval", self._queries[name], args)

    async def execute(self, name: str, *args: Any) -> str:
        """Run a write; returns PostgreSQL's command tag, such as `UPDATE 1`."""
        tag: str = await self._run("execute", self._queries[name], args)
        return tag


class Database(_Statements):
    """asyncpg's pool, which connects when it is needed: the application starts without PostgreSQL."""

    def __init__(self, settings: Settings, recorder: Recorder | None = None) -> None:
        self._queries = named_queries()
        self._settings = settings
        self._meter = Meter(recorder)
        self._pool: asyncpg.Pool | None = None
        self.cache: Cache | None = None

    async def stop(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    async def shared(self, name: str, *args: Any, type: type[T], tags: Sequence[str]) -> tuple[T, ...]:
        """As `fetch`, asked once for all users where there is a cache, until one of `tags` expires.

        Only for a statement whose rows depend on nobody.
        """

        async def load() -> tuple[T, ...]:
            return tuple(await self.fetch(name, *args, type=type))

        if self.cache is None:
            return await load()
        key = f"{name} {msgspec.json.encode(args).decode()}"
        rows = tuple[type, ...]  # type: ignore[valid-type]
        return await self.cache.get(key, load, type=rows, ttl_seconds=SHARED_SECONDS, tags=tags)

    def report(self, recorder: Recorder) -> None:
        """Tell how many connections are open and how many of them are idle."""
        pool = self._pool
        size, idle = (pool.get_size(), pool.get_idle_size()) if pool is not None else (0, 0)
        recorder.gauge("pack2_database_pool_connections", size - idle, ("used",))
        recorder.gauge("pack2_database_pool_connections", idle, ("idle",))
        recorder.gauge("pack2_database_pool_limit", self._settings.pool_connections)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """One transaction on one connection; commits at the end of the block, rolls back on any exception."""
        async with self._connection() as connection, connection.transaction():
            yield Transaction(self._queries, connection, self._meter)

    async def _run(self, method: str, query: NamedQuery, args: tuple[Any, ...]) -> Any:
        async with self._connection() as connection:
            return await _timed(method, connection, query, args, self._meter)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        started = perf_counter()
        try:
            pool = self._pool or await self._open()
            connection = await pool.acquire(timeout=POOL_TIMEOUT_SECONDS)
        except Exception as error:
            self._meter.no_connection()
            raise Unavailable(AWAY) from error
        finally:
            waited_seconds = perf_counter() - started
            self._meter.waited(waited_seconds)
            if (spent := current.get()) is not None:
                spent.pool_seconds += waited_seconds
        try:
            yield connection
        except asyncpg.DataError:
            raise
        except _GONE as error:
            raise Unavailable(AWAY) from error
        finally:
            await pool.release(connection)

    async def _open(self) -> asyncpg.Pool:
        self._pool = pool = asyncpg.create_pool(
            self._settings.database_url,
            min_size=0,
            max_size=self._settings.pool_connections,
            max_queries=2**31,
            max_inactive_connection_lifetime=0,
            init=_set_codecs,
            reset=_keep,
            timeout=POOL_TIMEOUT_SECONDS,
            command_timeout=STATEMENT_TIMEOUT_SECONDS + 2,
            statement_cache_size=1000,
            max_cached_statement_lifetime=0,
            server_settings={
                "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
                "idle_in_transaction_session_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
                "client_connection_check_interval": "1s",
                "application_name": "adaf",
                "timezone": "UTC",
            },
        )
        return await pool


async def _set_codecs(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_jsonb, decoder=_decode_jsonb, format="binary"
    )


async def _keep(_: asyncpg.Connection) -> None:
    """No statement of ours leaves state in its session, so a release needs no further round trip."""


class Transaction(_Statements):
    """Statements on the connection of one open transaction."""

    def __init__(
        self, queries: Mapping[str, NamedQuery], connection: asyncpg.Connection, meter: Meter
    ) -> None:
        self._queries = queries
        self._connection = connection
        self._meter = meter

    async def _run(self, method: str, query: NamedQuery, args: tuple[Any, ...]) -> Any:
        return await _timed(method, self._connection, query, args, self._meter)


async def _timed(
    method: str, connection: asyncpg.Connection, query: NamedQuery, args: tuple[Any, ...], meter: Meter
) -> Any:
    started = perf_counter()
    try:
        return await getattr(connection, method)(query.sql, *args)
    except Exception:
        meter.failed()
        raise
    finally:
        seconds = perf_counter() - started
        meter.ran(query.name, seconds)
        if (spent := current.get()) is not None:
            spent.db_seconds += seconds
            spent.queries += 1


def _check_columns(name: str, type: type[Any], row: asyncpg.Record) -> None:
    columns = tuple(row.keys())
    fields = tuple(getattr(type, "__struct_fields__", ()))
    if fields and fields[: len(columns)] != columns:
        raise TypeError(f"query {name} yields the columns {columns}, but {type.__name__} has {fields}")
    _checked.add((name, type))


def _encode_jsonb(value: Any) -> bytes:
    return b"\x01" + msgspec.json.encode(value)


def _decode_jsonb(data: bytes) -> Any:
    return msgspec.json.decode(memoryview(data)[1:])
