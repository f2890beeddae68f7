"""/api/reports."""

from __future__ import annotations

from typing import Final

from litestar import Response, delete, get, post
from litestar.params import JSONBody

from adaf.auth.guards import signed_in
from adaf.paging import Page
from adaf.parameters import Cursor, Id, Limit
from adaf.reports import reads, writes
from adaf.reports.models import Report, ReportRequest
from adaf.request import Request

ONE: Final = "/api/reports/{report_id:int}"


@post("/api/reports", opt=signed_in, status_code=202)
async def request_report(request: Request, data: JSONBody[ReportRequest]) -> Response[Report]:
    """Ask for a report; `Location` names it, and its `status` says when it can be downloaded."""
    report = await writes.request_report(request.db, request.user_id, data, request.metrics)
    return Response(report, status_code=202, headers={"Location": f"/api/reports/{report.id}"})


@get("/api/reports", opt=signed_in)
async def reports(request: Request, cursor: Cursor = None, limit: Limit = 20) -> Page[Report]:
    """The user's reports, newest first."""
    return await reads.reports(request.db, request.user_id, cursor=cursor, limit=limit)


@get(ONE, opt=signed_in)
async def report(request: Request, report_id: Id) -> Report:
    """One report: how far it is, or why it failed."""
    return await reads.report(request.db, request.user_id, report_id)


@get(ONE + "/download", opt=signed_in)
async def download(request: Request, report_id: Id) -> Response[bytes]:
    """The file; 409 before it is done, 410 after it was cleaned up."""
    file = await reads.file(request.db, request.user_id, report_id)
    return Response(
        file.content,
        media_type=file.media_type,
        headers={
            "Cache-Control": "private, no-store",
            "Content-Disposition": f'attachment; filename="{file.name}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        },
    )


@delete(ONE, opt=signed_in, status_code=204)
async def delete_report(request: Request, report_id: Id) -> None:
    """Delete a report and its file."""
    await writes.delete_report(request.db, request.user_id, report_id)


routes = [request_report, reports, report, download, delete_report]
