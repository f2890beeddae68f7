"""Making a report: read as its owner, laid out, stored once, with its progress in its row.

It can be run twice at the same time, as after a worker that was thought dead: the first to finish wins.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import msgspec

from adaf.reports.csv_file import csv_file
from adaf.reports.document import document
from adaf.reports.models import (
    MOST_BYTES,
    MOST_TRANSACTIONS,
    Account,
    Content,
    DayValue,
    Holding,
    Order,
    Trade,
)
from adaf.reports.typesetting import TypesettingError, typeset

if TYPE_CHECKING:
    from adaf.database import Database

log = logging.getLogger("adaf.reports")

UNEXPECTED = "The report could not be made; ask for it again."


class RefusedError(Exception):
    """The report as asked for can not be made, however often it is tried: the message says why."""


async def make(db: Database, report_id: int, *, is_last_attempt: bool) -> None:
    """Make the report unless it is finished or deleted; what fails at the last attempt is told in its row."""
    order = await db.one("report_start", report_id, type=Order)
    if order is None:
        return
    try:
        content = await collect(db, order)
        await db.execute("report_progress", order.id, 40)
        made = csv_file(content) if order.format == "csv" else await _pdf(content)
        if len(made) > MOST_BYTES:
            raise RefusedError("The report is larger than 8 MB; ask for a shorter period.")
        await db.execute("report_progress", order.id, 90)
        await db.value("report_finish", order.id, made)
    except RefusedError as refusal:
        await db.execute("report_fail", order.id, str(refusal))
    except Exception:
        if is_last_attempt:
            await db.execute("report_fail", order.id, UNEXPECTED)
        raise


async def collect(db: Database, order: Order) -> Content:
    """What the report shows, read as its owner. Raises RefusedError."""
    clock: datetime = await db.value("report_clock")
    begin = datetime.combine(order.since, time(), UTC)
    end = min(datetime.combine(order.until + timedelta(days=1), time(), UTC), clock)
    whose = (order.portfolio_id, order.owner_id)
    account = await db.one("report_account", *whose, end, type=Account)
    if account is None:
        raise RefusedError("The portfolio does not exist any more.")
    holdings: list[Holding] = []
    days: list[DayValue] = []
    trades: list[Trade] = []
    after = end if end < clock else clock + timedelta(microseconds=1)  # what is recorded now is in
    if order.kind == "statement" and account.closed_at is not None:
        holdings = await db.fetch("report_holdings", *whose, account.closed_at, type=Holding)
    if order.kind != "transactions":
        days = await db.fetch("report_days", *whose, begin, end, type=DayValue)
    if order.kind != "performance":
        trades = await db.fetch("report_trades", *whose, begin, after, MOST_TRANSACTIONS + 1, type=Trade)
        if len(trades) > MOST_TRANSACTIONS:
            raise RefusedError(
                f"The period has more than {MOST_TRANSACTIONS:,} transactions; ask for a shorter one."
            )
    return Content(order, account, clock, holdings, days, trades)


async def _pdf(content: Content) -> bytes:
    try:
        return await typeset(msgspec.json.encode(document(content)))
    except TypesettingError as error:
        log.error("report %s: %s", content.order.id, error)
        raise RefusedError("The report could not be typeset; ask for a shorter period or for CSV.") from error
