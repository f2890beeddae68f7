"""What ingestion writes: one batch of bars, the quotes that follow, one announcement, one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg

from adaf.database import Database
from adaf.market.models import AssetId, NewBar, Recorded
from adaf.problem import Unprocessable
from pack2.cache.feed import CHANNEL

ANNOUNCED = "bars\nquotes"  # the tags that expire, one a line
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


async def record_bars(db: Database, bars: Sequence[NewBar]) -> Recorded:
    """Insert or correct `bars`, refresh their assets' quotes. Raises Unprocessable with the first fault."""
    check(bars)
    symbols = sorted({bar.symbol for bar in bars})
    ids = {row.symbol: row.id for row in await db.fetch("asset_ids", symbols, type=AssetId)}
    if missing := [symbol for symbol in symbols if symbol not in ids]:
        raise Unprocessable(f"There is no asset with the symbol {', '.join(missing[:5])}.")
    columns = [list(column) for column in zip(*(_row(bar, ids) for bar in bars), strict=True)]
    try:
        async with db.transaction() as transaction:
            await transaction.execute("bars_upsert", *columns)
            await transaction.execute("quotes_refresh", sorted(ids.values()))
            await transaction.execute("market_announce", CHANNEL, ANNOUNCED)
    except asyncpg.CheckViolationError:
        raise Unprocessable("The series does not reach to the time of one of the bars.") from None
    return Recorded(bars=len(bars), assets=len(ids))


def check(bars: Sequence[NewBar]) -> None:
    """Raises Unprocessable for bars that can not be: high below low, off the minute, twice in one batch."""
    seen: set[tuple[str, datetime]] = set()
    for index, bar in enumerate(bars):
        if not bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
            raise Unprocessable(f"bars[{index}]: open and close lie between low and high.")
        if bar.ts.second or bar.ts.microsecond:
            raise Unprocessable(f"bars[{index}]: ts is the start of a minute.")
        if not _EARLIEST <= bar.ts <= _LATEST:
            raise Unprocessable(f"bars[{index}]: ts is between 1990 and 2200.")
        if (key := (bar.symbol, bar.ts)) in seen:
            raise Unprocessable(f"bars[{index}]: a symbol and ts stand once in a batch.")
        seen.add(key)


def _row(bar: NewBar, ids: dict[str, int]) -> tuple[object, ...]:
    return ids[bar.symbol], bar.ts, bar.open, bar.high, bar.low, bar.close, bar.volume
