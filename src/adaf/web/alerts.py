"""The page of alerts: all, the unread ones, or those of one asset; each is marked as read by a form."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlencode

from litestar import get
from litestar.params import Parameter
from markupsafe import Markup

from adaf.alerts import reads
from adaf.alerts.models import Alert
from adaf.auth.guards import signed_in
from adaf.paging import Page
from adaf.parameters import SYMBOL_PATTERN, Cursor
from adaf.problem import BadInput
from adaf.request import Request
from adaf.web.pages import Html, fragment, links, panel, together
from adaf.web.templating import html

ROWS = 20
SHOWN = [("All", ""), ("Unread", "?unread=true")]

Unread = Annotated[bool, Parameter(description="Only alerts that were not read yet.")]
Asset = Annotated[str, Parameter(max_length=16, description="An asset's symbol, such as BTC.")]


@get("/alerts", opt=signed_in)
async def page(request: Request, unread: Unread = False, symbol: Asset = "", cursor: Cursor = None) -> Html:
    """The user's alerts, newest first."""
    asset = asset_of(symbol)
    user, (found, counts) = await together(
        request,
        reads.alerts(
            request.db, request.user_id, unread=unread, symbol=asset or None, cursor=cursor, limit=ROWS
        ),
        reads.counts(request.db, request.user_id),
    )
    return html(
        "alerts.html",
        section="alerts",
        user=user,
        symbol=asset,
        total=sum(count.total_count for count in counts),
        unread=sum(count.unread_count for count in counts),
        alerts=_list(found, unread, asset, cursor),
        source="/panels/alerts/list" + _query(unread, asset, cursor),
    )


@get("/panels/alerts/list", opt=signed_in)
async def list_panel(
    request: Request, unread: Unread = False, symbol: Asset = "", cursor: Cursor = None
) -> Html:
    asset = asset_of(symbol)
    found = await reads.alerts(
        request.db, request.user_id, unread=unread, symbol=asset or None, cursor=cursor, limit=ROWS
    )
    return fragment(_list(found, unread, asset, cursor))


@get("/panels/alerts/unread", opt=signed_in)
async def unread_panel(request: Request) -> Html:
    """The bell in the header of every page: nothing when all are read."""
    return html("unread.html", count=await reads.unread_count(request.db, request.user_id))


def asset_of(symbol: str) -> str:
    """The symbol as it is stored; empty for none. Raises BadInput for what can be none."""
    found = symbol.strip().upper()
    if found and not re.fullmatch(SYMBOL_PATTERN, found):
        raise BadInput("An asset is named by its symbol, such as BTC.")
    return found


def _list(found: Page[Alert], unread: bool, symbol: str, cursor: str | None) -> Markup:
    source, newest = "/panels/alerts/list", _query(unread, symbol, None)
    older = _query(unread, symbol, found.next_cursor)
    return panel(
        "alert_list",
        alerts=found.items,
        unread=unread,
        symbol=symbol,
        shown=links(SHOWN, "/alerts", source, newest),
        here="/alerts" + _query(unread, symbol, cursor),
        newest=("/alerts" + newest, source + newest) if cursor else None,
        older=("/alerts" + older, source + older) if found.next_cursor else None,
    )


def _query(unread: bool, symbol: str, cursor: str | None) -> str:
    given = {"unread": "true" if unread else "", "symbol": symbol, "cursor": cursor or ""}
    query = urlencode({name: value for name, value in given.items() if value})
    return f"?{query}" if query else ""


routes = [page, list_panel, unread_panel]
