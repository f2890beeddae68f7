"""Imports a file of bars in one transaction: upserted, so that importing it again changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from adaf.database import named_queries
from adaf.market.bar_files import moments, read_bars
from pack2.cache.feed import CHANNEL, payloads
from pack2.database.connection import connect
from pack2.errors import Pack2Error

_BATCH_ROWS = 20_000
_TAGS = ("bars", "quotes")


class UnknownAssetError(Pack2Error):
    """There is no asset {symbol}. Add --create to make it from the file, or name one that
    `/api/market/assets` lists.
    """


class NoDashboardError(Pack2Error):
    """The database holds no dashboard yet. Run `adaf load` first."""


class Imported(msgspec.Struct, frozen=True):
    """What an import did: `bars` were inserted or corrected."""

    symbol: str
    bars: int
    first: datetime
    last: datetime
    partitions_created: int
    seconds: float


Progress = Callable[[str, float], None]
Cursor = psycopg.RawCursor[tuple[Any, ...]]


def import_bars(
    url: str,
    path: Path,
    symbol: str,
    *,
    create: bool = False,
    progress: Progress = lambda _step, _share: None,
) -> Imported:
    """Upsert the bars of `path` for `symbol` and refresh its quote; missing monthly partitions are created.

    Raises BarFileError, BarRowsError, UnknownAssetError (unless `create`), NoDashboardError.
    """
    started = time.monotonic()
    progress("reading", 0)
    bars = read_bars(path)
    first, last = moments(bars.seconds[[bars.seconds.argmin(), bars.seconds.argmax()]])
    with connect(url) as connection, connection.transaction(), psycopg.RawCursor(connection) as cursor:
        asset_id = _asset(cursor, symbol, first, create=create)
        partitions = _value(cursor, "SELECT create_market_data_partitions($1, $2)", first, last)
        for start in range(0, len(bars), _BATCH_ROWS):
            progress("writing", start / len(bars))
            part = slice(start, start + _BATCH_ROWS)
            columns = bars.values[part].T.tolist()
            ids = [asset_id] * len(columns[0])
            cursor.execute(_sql("bars_upsert"), (ids, moments(bars.seconds[part]), *columns))
        cursor.execute(_sql("import_first_quote"), (asset_id,))
        cursor.execute(_sql("quotes_refresh"), ([asset_id],))
        for payload in payloads(_TAGS):
            cursor.execute("SELECT pg_notify($1, $2)", (CHANNEL, payload))
    return Imported(symbol, len(bars), first, last, partitions, round(time.monotonic() - started, 3))


def _asset(cursor: Cursor, symbol: str, listed_at: datetime, *, create: bool) -> int:
    if _value(cursor, "SELECT to_regclass('public.market_data') IS NULL"):
        raise NoDashboardError
    found = _value(cursor, "SELECT id FROM assets WHERE symbol = $1", symbol)
    if found is None and create:
        found = _value(cursor, _sql("import_asset"), symbol, listed_at)
    if found is None:
        raise UnknownAssetError(symbol=symbol)
    return int(found)


def _value(cursor: Cursor, sql: str, *parameters: object) -> Any:
    row = cursor.execute(sql, parameters).fetchone()
    return row[0] if row else None


def _sql(name: str) -> str:
    return named_queries()[name].sql
