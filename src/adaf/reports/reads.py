"""Reads of reports for the API and the page. All ask for the owner; what is not theirs is NotFound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adaf.paging import Page, decode, page
from adaf.problem import Conflict, Gone, NotFound
from adaf.reports.models import File, Report

if TYPE_CHECKING:
    from adaf.database import Database

MEDIA_TYPES = {"pdf": "application/pdf", "csv": "text/csv"}
_ABOVE_ALL = (2**63 - 1,)


async def reports(db: Database, user_id: int, *, cursor: str | None = None, limit: int = 20) -> Page[Report]:
    """A page of the user's reports, newest first. Raises BadInput for a cursor that is not ours."""
    before = decode(cursor, tuple[int]) or _ABOVE_ALL
    rows = await db.fetch("reports_page", user_id, *before, limit + 1, type=Report)
    return page(rows, limit, lambda row: (row.id,))


async def report(db: Database, user_id: int, report_id: int) -> Report:
    """One report. Raises NotFound."""
    found = await db.one("report_one", report_id, user_id, type=Report)
    if found is None:
        raise NotFound("report")
    return found


async def file(db: Database, user_id: int, report_id: int) -> File:
    """A finished report's file. Raises NotFound, Conflict before it is done, Gone after its file is."""
    found = await report(db, user_id, report_id)
    if found.status in ("queued", "running"):
        raise Conflict(f"The report is at {found.progress_percent} %; it can be downloaded when it is done.")
    content = await db.value("report_content", report_id, user_id)
    if content is None:
        raise Gone("This report has no file, or none any more; ask for the report again.")
    return File(content, _name(found), MEDIA_TYPES[found.format])


def _name(report: Report) -> str:
    """No word of the user's: nothing in it has to be quoted."""
    span = f"{report.since.isoformat()}-to-{report.until.isoformat()}"
    return f"adaf-{report.kind}-{report.portfolio_id}-{span}.{report.format}"
