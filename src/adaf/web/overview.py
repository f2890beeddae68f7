"""The overview page and its panels."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec
from litestar import get
from markupsafe import Markup

from adaf.alerts import reads as alerts_room
from adaf.alerts.models import Alert
from adaf.auth.guards import signed_in
from adaf.overview import reads
from adaf.overview.models import Activity, Allocation, NavPoint, Overview, OwnMover
from adaf.paging import Page
from adaf.parameters import Days
from adaf.request import Request
from adaf.web.charts import line_chart
from adaf.web.pages import Html, fragment, links, panel, together
from adaf.web.templating import html

MOVERS = 6
ALERTS = 5
ACTIVITIES = 6
RANGES = [("7 d", "?days=7"), ("30 d", "?days=30"), ("90 d", "?days=90")]


class Item(msgspec.Struct, frozen=True):
    """One line of recent activity: a trade (with `side`) or a strategy run (with `outcome`)."""

    at: datetime
    subject: str
    side: str = ""
    outcome: str = ""
    quantity: Decimal | None = None
    value: Decimal | None = None
    portfolio: str = ""
    portfolio_id: int = 0


@get("/", opt=signed_in)
async def page(request: Request, days: Days = 30) -> Html:
    """The user's money at a glance."""
    db, user_id = request.db, request.user_id
    user, (overview, nav, allocation, movers, alerts, activity) = await together(
        request,
        reads.overview(db, user_id),
        reads.nav(db, user_id, days),
        reads.allocation(db, user_id),
        reads.movers(db, user_id, MOVERS),
        alerts_room.alerts(db, user_id, unread=True, limit=ALERTS),
        reads.activity(db, user_id, ACTIVITIES),
    )
    return html(
        "overview.html",
        section="overview",
        user=user,
        days=days,
        overview=overview,
        totals=_totals(overview),
        performance=_performance(nav, days),
        allocation=_allocation(allocation),
        movers=_movers(movers),
        alerts=_alerts(alerts, overview.unread_alerts),
        activity=_activity(activity),
    )


@get("/panels/overview/totals", opt=signed_in)
async def totals_panel(request: Request) -> Html:
    return fragment(_totals(await reads.overview(request.db, request.user_id)))


@get("/panels/overview/performance", opt=signed_in)
async def performance_panel(request: Request, days: Days = 30) -> Html:
    return fragment(_performance(await reads.nav(request.db, request.user_id, days), days))


@get("/panels/overview/allocation", opt=signed_in)
async def allocation_panel(request: Request) -> Html:
    return fragment(_allocation(await reads.allocation(request.db, request.user_id)))


@get("/panels/overview/movers", opt=signed_in)
async def movers_panel(request: Request) -> Html:
    return fragment(_movers(await reads.movers(request.db, request.user_id, MOVERS)))


@get("/panels/overview/alerts", opt=signed_in)
async def alerts_panel(request: Request) -> Html:
    unread = await alerts_room.unread_count(request.db, request.user_id)
    alerts = await alerts_room.alerts(request.db, request.user_id, unread=True, limit=ALERTS)
    return fragment(_alerts(alerts, unread))


@get("/panels/overview/activity", opt=signed_in)
async def activity_panel(request: Request) -> Html:
    return fragment(_activity(await reads.activity(request.db, request.user_id, ACTIVITIES)))


def _totals(overview: Overview) -> Markup:
    before = overview.net_asset_value - overview.change_24h
    return panel(
        "overview_totals",
        overview=overview,
        change_ratio=float(overview.change_24h / before) if before else None,
        gain_ratio=float(overview.unrealised_gain / overview.totals.cost) if overview.totals.cost else None,
    )


def _performance(points: list[NavPoint], days: int) -> Markup:
    dates = [point.day.date() for point in points]
    values = [float(point.nav) for point in points]
    return panel(
        "performance",
        title="Net asset value",
        chart=line_chart(dates, values),
        change_ratio=values[-1] / values[0] - 1 if values and values[0] else None,
        drawdown=None,
        days=days,
        curve_days=dates,
        curve_values=values,
        currency="USD",
        ranges=links(RANGES, "/", "/panels/overview/performance", f"?days={days}"),
    )


def _allocation(allocation: Allocation) -> Markup:
    parts = [(part.name, part.value, part.ratio) for part in allocation.by_category if part.value > 0]
    return panel("allocation", parts=parts, currency="USD", layout="")


def _movers(movers: list[OwnMover]) -> Markup:
    return panel("movers", movers=movers)


def _alerts(page: Page[Alert], unread: int) -> Markup:
    return panel("alerts", alerts=page.items, unread=unread)


def _activity(activity: Activity) -> Markup:
    items = [
        Item(
            at=trade.executed_at,
            subject=trade.symbol,
            side=trade.side,
            quantity=trade.quantity,
            value=trade.quantity * trade.price,
            portfolio=trade.portfolio,
            portfolio_id=trade.portfolio_id,
        )
        for trade in activity.transactions
    ] + [Item(at=run.started_at, subject=run.strategy, outcome=run.status) for run in activity.runs]
    return panel("activity", activity=sorted(items, key=lambda item: item.at, reverse=True)[:ACTIVITIES])


routes = [page, totals_panel, performance_panel, allocation_panel, movers_panel, alerts_panel, activity_panel]
