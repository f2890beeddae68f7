"""The page of reports: a form that asks for one, and a list that follows their progress."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

import msgspec
from litestar import get, post
from litestar.response import Redirect
from markupsafe import Markup

from adaf.auth.guards import signed_in
from adaf.paging import Page
from adaf.parameters import Cursor, Id
from adaf.portfolios import reads as portfolios_room
from adaf.portfolios.models import Portfolio
from adaf.problem import Conflict, NotFound, Unprocessable
from adaf.reports import reads, writes
from adaf.reports.models import DEFAULT_DAYS, Report, ReportRequest
from adaf.request import Request
from adaf.web.pages import Html, fragment, panel, together
from adaf.web.templating import html

ROWS = 12
FOLLOWED_SECONDS = 2
FIELDS = ("portfolio_id", "kind", "format", "since", "until")
KINDS = [
    ("statement", "Portfolio statement", "Value, chart, positions and transactions"),
    ("performance", "Performance", "Returns, drawdown and volatility by day"),
    ("transactions", "Transactions", "Every trade of the period, with fees"),
]
EMPTY = {"portfolio_id": "", "kind": "statement", "format": "pdf", "since": "", "until": ""}
_SENTENCES = {
    "portfolio_id": "Choose one of your portfolios.",
    "kind": "Choose what the report is about.",
    "format": "Choose PDF or CSV.",
    "since": "Type a day such as 2026-01-31, or leave it empty.",
    "until": "Type a day such as 2026-01-31, or leave it empty.",
}
_ACCEPTED = {"portfolio_id": 1}


@get("/reports", opt=signed_in)
async def page(request: Request, cursor: Cursor = None) -> Html:
    """The form and the reports."""
    return await _page(request, cursor)


@get("/panels/reports/list", opt=signed_in)
async def list_panel(request: Request, cursor: Cursor = None) -> Html:
    """The list alone."""
    return fragment(
        _list(await reads.reports(request.db, request.user_id, cursor=cursor, limit=ROWS), cursor)
    )


@post("/reports", opt=signed_in, status_code=303)
async def ask(request: Request) -> Html | Redirect:
    """Ask for the report that the form describes: 303 to the page, or the page with what is wrong (422)."""
    form = await request.form()
    values = {name: str(form.get(name) or "").strip() for name in FIELDS}
    errors = mistakes(values)
    if not errors:
        try:
            await writes.request_report(request.db, request.user_id, _request(values), request.metrics)
        except NotFound:
            errors = {"portfolio_id": _SENTENCES["portfolio_id"]}
        except Unprocessable as refusal:
            errors = {
                "until" if refusal.detail.startswith("`until`") else "since": refusal.detail.replace("`", "")
            }
        except Conflict as refusal:
            errors = {"": refusal.detail}
    return await _page(request, None, values, errors) if errors else Redirect("/reports", status_code=303)


@post("/reports/{report_id:int}/delete", opt=signed_in, status_code=303)
async def delete(request: Request, report_id: Id) -> Redirect:
    """Delete one report."""
    await writes.delete_report(request.db, request.user_id, report_id)
    return Redirect("/reports", status_code=303)


def mistakes(values: Mapping[str, str]) -> dict[str, str]:
    """For each refused field a sentence that says what is accepted; empty when all is well."""
    given = _given(values)
    return {
        name: sentence
        for name, sentence in _SENTENCES.items()
        if not _accepts({**_ACCEPTED, **({name: given[name]} if name in given else {})})
        or (name == "portfolio_id" and name not in given)
    }


def _given(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _request(values: Mapping[str, str]) -> ReportRequest:
    return msgspec.convert(_given(values), ReportRequest, strict=False)


def _accepts(values: Mapping[str, object]) -> bool:
    try:
        msgspec.convert(values, ReportRequest, strict=False)
    except msgspec.ValidationError:
        return False
    return True


async def _page(
    request: Request,
    cursor: str | None,
    values: Mapping[str, str] = EMPTY,
    errors: Mapping[str, str] = EMPTY,
) -> Html:
    db, user_id = request.db, request.user_id
    user, (found, portfolios, clock) = await together(
        request,
        reads.reports(db, user_id, cursor=cursor, limit=ROWS),
        portfolios_room.portfolios(db, user_id),
        db.value("report_clock"),
    )
    told = {} if errors is EMPTY else errors
    return html(
        "reports.html",
        status=422 if told else 200,
        section="reports",
        user=user,
        form=_form(portfolios, clock, values, told),
        reports=_list(found, cursor),
        source="/panels/reports/list" + _query(cursor),
    )


def _form(
    portfolios: list[Portfolio], clock: datetime, values: Mapping[str, str], errors: Mapping[str, str]
) -> Markup:
    until: date = (clock - timedelta(microseconds=1)).date()
    since = until - timedelta(days=DEFAULT_DAYS - 1)
    shown = {**values, "since": values["since"] or str(since), "until": values["until"] or str(until)}
    return panel(
        "report_form", portfolios=portfolios, kinds=KINDS, values=shown, errors=errors, latest=str(until)
    )


def _list(found: Page[Report], cursor: str | None) -> Markup:
    older = _query(found.next_cursor)
    return panel(
        "reports",
        reports=found.items,
        kinds={kind: title for kind, title, _ in KINDS},
        following=any(report.status in ("queued", "running") for report in found.items),
        seconds=FOLLOWED_SECONDS,
        newest=("/reports", "/panels/reports/list") if cursor else None,
        older=("/reports" + older, "/panels/reports/list" + older) if found.next_cursor else None,
    )


def _query(cursor: str | None) -> str:
    return f"?{urlencode({'cursor': cursor})}" if cursor else ""


routes = [page, list_panel, ask, delete]
