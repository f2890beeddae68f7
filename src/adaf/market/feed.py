"""Makes the market move: new minutes from the bars of a week before, in the tables that ingestion writes.

Each new minute rises or falls as the same minute of a week before did, from today's price on. So nothing has
to be remembered: whoever starts the feed again goes on where the market stands.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import psycopg

from adaf.database import named_queries
from adaf.market.bar_import import NoDashboardError
from pack2.cache.feed import CHANNEL, payloads
from pack2.database.connection import Connection, connect
from pack2.errors import Pack2Error

MINUTE: Final = timedelta(minutes=1)
WEEK: Final = timedelta(days=7)
SHORTEST_SECONDS: Final = 0.1
"""Between two commits: what is faster puts several minutes into one."""

_TAGS: Final = ("bars", "quotes")
_LOCK: Final = "SELECT pg_try_advisory_lock(hashtext('adaf feed'))"
_MARKET: Final = """
SELECT date_trunc('minute', (SELECT max(ts) FROM quotes)),
       (SELECT min(first.ts) FROM assets a CROSS JOIN LATERAL
            (SELECT m.ts FROM market_data m WHERE m.asset_id = a.id ORDER BY m.ts LIMIT 1) AS first
        WHERE a.is_active)"""
_PRICES: Final = (
    "SELECT q.asset_id, q.price FROM quotes q JOIN assets a ON a.id = q.asset_id WHERE a.is_active"
)
_PAST: Final = """
SELECT m.asset_id, m.ts, m.open, m.high, m.low, m.close, m.volume
FROM assets a
CROSS JOIN LATERAL (SELECT * FROM market_data b WHERE b.asset_id = a.id AND b.ts >= $1 AND b.ts < $2) AS m
WHERE a.is_active
ORDER BY m.ts, m.asset_id"""


class FeedRunningError(Pack2Error):
    """Another `adaf feed` writes into this database. Stop that one first: two would move the market twice."""


class NothingToReplayError(Pack2Error):
    """The database holds no bars to replay. Import some by `adaf import`, or load a sample by `adaf load`."""


class FeedInterruptedError(Pack2Error):
    """The database went away after {minutes} new minutes: {reason}. Start `adaf feed` again when it is back;
    it goes on from the last committed minute.
    """


class Fed(msgspec.Struct, frozen=True):
    """What the feed wrote until now; `last` is the start of the newest minute, and `behind_seconds` says how
    much later than its speed asks it is.
    """

    minutes: int = 0
    bars: int = 0
    last: datetime | None = None
    behind_seconds: float = 0.0


class Past(msgspec.Struct, frozen=True):
    """One bar as it was."""

    asset_id: int
    ts: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


def continued(past: list[Past], prices: dict[int, float], shift: timedelta) -> list[Past]:
    """`past`, oldest first, moved by `shift` and scaled so that each asset goes on from its price; `prices`
    is brought up to date.
    """
    made = []
    for bar in past:
        scale = prices.get(bar.asset_id, bar.open) / bar.open
        values = (bar.open * scale, bar.high * scale, bar.low * scale, bar.close * scale)
        made.append(Past(bar.asset_id, bar.ts + shift, *values, bar.volume))
        prices[bar.asset_id] = bar.close * scale
    return made


def pace(speed: float) -> tuple[float, int]:
    """Seconds between two commits, and the minutes in each, at `speed` minutes a minute."""
    minutes = max(1, round(SHORTEST_SECONDS * speed / 60))
    return 60 * minutes / speed, minutes


def feed(url: str, *, speed: float, most_minutes: int | None = None) -> Iterator[Fed]:
    """Write new minutes, `speed` of them a minute, until `most_minutes`; yields after each commit.

    Raises FeedRunningError, NothingToReplayError, NoDashboardError, FeedInterruptedError.
    """
    fed = Fed()
    seconds, together = pace(speed)
    with _alone(url) as connection:
        try:
            moment, span = _start(connection)
            due = time.monotonic()
            while most_minutes is None or fed.minutes < most_minutes:
                count = together if most_minutes is None else min(together, most_minutes - fed.minutes)
                bars = _write(connection, moment, moment + count * MINUTE, span)
                moment += count * MINUTE
                due += seconds
                behind = max(0.0, time.monotonic() - due)
                fed = Fed(fed.minutes + count, fed.bars + bars, moment - MINUTE, round(behind, 3))
                yield fed
                time.sleep(max(0.0, due - time.monotonic()))
        except psycopg.OperationalError as error:
            reason = str(error).strip().splitlines()[0]
            raise FeedInterruptedError(minutes=fed.minutes, reason=reason) from error


@contextmanager
def _alone(url: str) -> Iterator[Connection]:
    """A connection that no other feed has meanwhile; a killed one's lock ends with its connection."""
    with connect(url) as connection:
        if _row(connection, "SELECT to_regclass('public.market_data') IS NULL")[0]:
            raise NoDashboardError
        if not _row(connection, _LOCK)[0]:
            raise FeedRunningError
        yield connection


def _start(connection: Connection) -> tuple[datetime, timedelta]:
    """The next minute, and how far back the one that it repeats lies."""
    moment, first = _row(connection, _MARKET)
    if moment is None or first is None or moment - first < MINUTE:
        raise NothingToReplayError
    return moment.astimezone(UTC), min(WEEK, moment - first)


def _write(connection: Connection, first: datetime, end: datetime, span: timedelta) -> int:
    """The minutes from `first` to before `end`, in one transaction; the number of bars."""
    with connection.transaction(), psycopg.RawCursor(connection) as cursor:
        prices: dict[int, float] = dict(cursor.execute(_PRICES).fetchall())
        past = [Past(*row) for row in cursor.execute(_PAST, (first - span, end - span)).fetchall()]
        if not past:
            return 0
        made = continued(past, prices, span)
        cursor.execute("SELECT create_market_data_partitions($1, $2)", (first, end))
        columns = list(zip(*(msgspec.structs.astuple(bar) for bar in made), strict=True))
        cursor.execute(_sql("bars_upsert"), [list(column) for column in columns])
        cursor.execute(_sql("quotes_refresh"), (sorted(set(columns[0])),))
        for payload in payloads(_TAGS):
            cursor.execute("SELECT pg_notify($1, $2)", (CHANNEL, payload))
        return len(made)


def _row(connection: Connection, sql: Any) -> tuple[Any, ...]:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return row


def _sql(name: str) -> Any:
    return named_queries()[name].sql
