"""Asking for reports and deleting them. A request and its job are one transaction: neither is there alone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from adaf.audit.writes import record
from adaf.portfolios import reads as portfolios
from adaf.problem import Conflict, NotFound, Unprocessable
from adaf.reports import reads
from adaf.reports.models import DEFAULT_DAYS, MOST_DAYS, Report, ReportRequest

if TYPE_CHECKING:
    from adaf.database import Database, Transaction
    from pack2.monitoring import Recorder

EARLIEST = date(1975, 1, 1)
MOST_WAITING = 10
MOST_FILES = 50


async def request_report(db: Database, user_id: int, request: ReportRequest, metrics: Recorder) -> Report:
    """Queue a report; an equal one that is still queued is the answer to both requests.

    Raises NotFound (portfolio), Unprocessable (period), Conflict when too many of the user's wait.
    """
    await portfolios.portfolio(db, user_id, request.portfolio_id)
    since, until = period(request, await db.value("report_clock"))
    parameters = {
        "portfolio_id": request.portfolio_id,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "format": request.format,
    }
    async with db.transaction() as tx:
        await tx.execute("report_lock_owner", user_id)
        report_id = await tx.value("report_equal_waiting", user_id, request.kind, parameters)
        if report_id is None:
            report_id = await _queue(tx, user_id, request.kind, parameters)
    metrics.add("adaf_reports_total", (request.format,))
    return await reads.report(db, user_id, report_id)


async def delete_report(db: Database, user_id: int, report_id: int) -> None:
    """Remove a report and its file; one that is being made is not finished then. Raises NotFound."""
    async with db.transaction() as tx:
        if await tx.value("report_delete", report_id, user_id) is None:
            raise NotFound("report")
        await record(tx, user_id, "report.delete", f"report:{report_id}", {})


def period(request: ReportRequest, clock: datetime) -> tuple[date, date]:
    """The first and the last day that are reported on. Raises Unprocessable."""
    today = (clock - timedelta(microseconds=1)).date()
    until = request.until or today
    if not EARLIEST <= until <= today:
        raise Unprocessable(f"`until` is a day from {EARLIEST} to the market's last one, {today}.")
    since = request.since or until - timedelta(days=DEFAULT_DAYS - 1)
    if not until - timedelta(days=MOST_DAYS - 1) <= since <= until:
        raise Unprocessable(f"`since` is not after `until`, and at most {MOST_DAYS} days are reported on.")
    return since, until


async def _queue(tx: Transaction, user_id: int, kind: str, parameters: dict[str, Any]) -> int:
    if await tx.value("report_waiting", user_id) >= MOST_WAITING:
        raise Conflict(f"{MOST_WAITING} of your reports are waiting; ask again when one of them is done.")
    await tx.execute("report_forget_oldest_files", user_id, MOST_FILES - 1)
    report_id: int = await tx.value("report_request", user_id, kind, parameters)
    await record(tx, user_id, "report.request", f"report:{report_id}", {"kind": kind, **parameters})
    return report_id
