"""The portfolio page, its panels, and the form that records a trade (with or without scripts)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from litestar import get, post
from litestar.params import Parameter
from litestar.response import Redirect
from markupsafe import Markup

from adaf.auth.guards import signed_in, trader
from adaf.market import reads as market
from adaf.market.models import AssetRow
from adaf.paging import Page
from adaf.parameters import MAX_LIMIT, Cursor, Days, Id
from adaf.portfolios import reads, writes
from adaf.portfolios.models import AllocationPart, PerformancePoint, Portfolio, Position, Side, Transaction
from adaf.problem import Conflict, NotFound
from adaf.request import Request
from adaf.web import trade_form
from adaf.web.charts import line_chart
from adaf.web.pages import Html, fragment, links, panel, together
from adaf.web.templating import html
from adaf.web.totals import totals

ROWS = 15
NONE: Mapping[str, str] = {}
RANGES = [("30 d", "?days=30"), ("90 d", "?days=90"), ("1 y", "?days=365")]
SIDES = [("All", ""), ("Buys", "?side=buy"), ("Sells", "?side=sell")]
ONE = "/portfolio/{portfolio_id:int}"
PANELS = "/panels/portfolio/{portfolio_id:int}"

OptionalSide = Annotated[Side | None, Parameter(description="Only purchases or only sales.")]
Recorded = Annotated[int | None, Parameter(ge=1, le=2**63 - 1, description="The transaction just recorded.")]


@get("/portfolio", opt=signed_in)
async def first(request: Request) -> Html:
    """The first portfolio's page itself, without a redirection's round trip; who has none is told so."""
    return await _page(request, None)


@get(ONE, opt=signed_in)
async def page(
    request: Request,
    portfolio_id: Id,
    days: Days = 30,
    side: OptionalSide = None,
    cursor: Cursor = None,
    recorded: Recorded = None,
) -> Html:
    """One portfolio. `recorded` names the transaction that a form without scripts has just recorded."""
    return await _page(request, portfolio_id, days=days, side=side, cursor=cursor, recorded_id=recorded)


@get(PANELS + "/totals", opt=signed_in)
async def totals_panel(request: Request, portfolio_id: Id) -> Html:
    _, (portfolio, positions) = await together(
        request,
        reads.portfolio(request.db, request.user_id, portfolio_id),
        reads.positions(request.db, request.user_id, portfolio_id),
    )
    return fragment(_totals(portfolio, positions))


@get(PANELS + "/performance", opt=signed_in)
async def performance_panel(request: Request, portfolio_id: Id, days: Days = 30) -> Html:
    portfolio = await reads.portfolio(request.db, request.user_id, portfolio_id)
    points = await reads.performance(request.db, request.user_id, portfolio_id, days)
    return fragment(_performance(portfolio, points, days))


@get(PANELS + "/positions", opt=signed_in)
async def positions_panel(request: Request, portfolio_id: Id) -> Html:
    portfolio = await reads.portfolio(request.db, request.user_id, portfolio_id)
    return fragment(_positions(portfolio, await reads.positions(request.db, request.user_id, portfolio_id)))


@get(PANELS + "/allocation", opt=signed_in)
async def allocation_panel(request: Request, portfolio_id: Id) -> Html:
    portfolio = await reads.portfolio(request.db, request.user_id, portfolio_id)
    return fragment(_allocation(portfolio, await reads.allocation(request.db, request.user_id, portfolio_id)))


@get(PANELS + "/transactions", opt=signed_in)
async def transactions_panel(
    request: Request, portfolio_id: Id, side: OptionalSide = None, cursor: Cursor = None
) -> Html:
    portfolio = await reads.portfolio(request.db, request.user_id, portfolio_id)
    ledger = await reads.transactions(
        request.db, request.user_id, portfolio_id, side=side, cursor=cursor, limit=ROWS
    )
    return fragment(_transactions(portfolio, ledger, side, cursor))


@post(ONE + "/trade", opt=trader, status_code=200)
async def trade(request: Request, portfolio_id: Id) -> Html | Redirect:
    """Record the trade that the form describes.

    With the header `Adaf-Panel` the answer is the form again, with a notice or with errors at its fields.
    Without it: 303 to the page, or the page with the errors (422).
    """
    portfolio = await reads.portfolio(request.db, request.user_id, portfolio_id)
    values = trade_form.typed(await request.form())
    errors = trade_form.mistakes(values)
    done = None
    if not errors:
        done, errors = await _record(request, portfolio_id, values)
    if "adaf-panel" in request.headers:
        portfolio = await reads.portfolio(request.db, request.user_id, portfolio_id)
        assets = await market.assets(request.db, None, None, MAX_LIMIT)
        return fragment(_trade(portfolio, assets, True, values, errors, done), status=200 if done else 422)
    if done:
        return Redirect(f"/portfolio/{portfolio_id}?recorded={done.id}", status_code=303)
    return await _page(request, portfolio_id, values=values, errors=errors)


async def _record(
    request: Request, portfolio_id: int, values: Mapping[str, str]
) -> tuple[Transaction | None, dict[str, str]]:
    try:
        recorded = await writes.record_trade(
            request.db, request.user_id, portfolio_id, trade_form.request(values), request.metrics
        )
    except NotFound:
        return None, {"symbol": f"There is no asset with the symbol {values['symbol']}."}
    except Conflict as conflict:
        return None, {trade_form.place_of_conflict(conflict.detail, values["symbol"]): conflict.detail}
    return recorded.transaction, {}


async def _page(
    request: Request,
    portfolio_id: int | None,
    *,
    days: int = 30,
    side: Side | None = None,
    cursor: str | None = None,
    recorded_id: int | None = None,
    values: Mapping[str, str] = trade_form.EMPTY,
    errors: Mapping[str, str] = NONE,
) -> Html:
    """The page of this portfolio; of the user's first where `portfolio_id` is None. Raises NotFound."""
    db, user_id = request.db, request.user_id
    portfolios = await reads.portfolios(db, user_id)
    portfolio = next((one for one in portfolios if portfolio_id in (None, one.id)), None)
    if portfolio is None:
        if portfolio_id is not None:
            raise NotFound("portfolio")
        user, _ = await together(request)
        return html("portfolio.html", section="portfolio", user=user, portfolio=None)
    user, (positions, allocation, points, ledger, assets) = await together(
        request,
        reads.positions(db, user_id, portfolio.id),
        reads.allocation(db, user_id, portfolio.id),
        reads.performance(db, user_id, portfolio.id, days),
        reads.transactions(db, user_id, portfolio.id, side=side, cursor=cursor, limit=ROWS),
        market.assets(db, None, None, MAX_LIMIT),
    )
    recorded = next((row for row in ledger.items if row.id == recorded_id), None)
    return html(
        "portfolio.html",
        status=422 if errors else 200,
        section="portfolio",
        user=user,
        portfolio=portfolio,
        portfolios=portfolios,
        days=days,
        recorded=recorded and trade_form.confirmation(recorded, portfolio),
        totals=_totals(portfolio, positions),
        performance=_performance(portfolio, points, days),
        positions=_positions(portfolio, positions),
        allocation=_allocation(portfolio, allocation),
        transactions=_transactions(portfolio, ledger, side, cursor, recorded_id),
        transactions_source=_source(portfolio.id, side, cursor),
        trade=_trade(portfolio, assets, "trader" in request.identity.roles, values, errors),
    )


def _totals(portfolio: Portfolio, positions: list[Position]) -> Markup:
    return panel(
        "portfolio_totals", totals=totals(positions, portfolio.cash), currency=portfolio.base_currency
    )


def _performance(portfolio: Portfolio, points: list[PerformancePoint], days: int) -> Markup:
    dates = [point.day for point in points]
    values = [float(point.nav) for point in points]
    falls = [point.drawdown for point in points if point.drawdown is not None]
    return panel(
        "performance",
        title="Performance",
        chart=line_chart(dates, values, portfolio.base_currency),
        change_ratio=points[-1].cumulative_return if points else None,
        drawdown=min(falls, default=None),
        days=days,
        curve_days=dates,
        curve_values=values,
        currency=portfolio.base_currency,
        ranges=links(
            RANGES,
            f"/portfolio/{portfolio.id}",
            f"/panels/portfolio/{portfolio.id}/performance",
            f"?days={days}",
        ),
    )


def _positions(portfolio: Portfolio, positions: list[Position]) -> Markup:
    return panel(
        "positions",
        positions=positions,
        currency=portfolio.base_currency,
        total_value=sum(position.value for position in positions),
    )


def _allocation(portfolio: Portfolio, parts: list[AllocationPart]) -> Markup:
    shares = [(part.category, part.value, part.share_ratio) for part in parts if part.value > 0]
    return panel("allocation", parts=shares, currency=portfolio.base_currency, layout="split-tall")


def _transactions(
    portfolio: Portfolio,
    ledger: Page[Transaction],
    side: Side | None,
    cursor: str | None,
    recorded_id: int | None = None,
) -> Markup:
    page, source = f"/portfolio/{portfolio.id}", f"/panels/portfolio/{portfolio.id}/transactions"
    older = _query(side, ledger.next_cursor)
    return panel(
        "transactions",
        page=ledger,
        currency=portfolio.base_currency,
        recorded_id=recorded_id,
        sides=links(SIDES, page, source, _query(side, None)),
        newest=(page + _query(side, None), source + _query(side, None)) if cursor else None,
        older=(page + older, source + older) if ledger.next_cursor else None,
    )


def _source(portfolio_id: int, side: Side | None, cursor: str | None) -> str:
    return f"/panels/portfolio/{portfolio_id}/transactions{_query(side, cursor)}"


def _query(side: Side | None, cursor: str | None) -> str:
    given = {name: value for name, value in (("side", side), ("cursor", cursor)) if value}
    return f"?{urlencode(given)}" if given else ""


def _trade(
    portfolio: Portfolio,
    assets: Page[AssetRow],
    may_trade: bool,
    values: Mapping[str, str],
    errors: Mapping[str, str],
    done: Transaction | None = None,
) -> Markup:
    if portfolio.is_archived or not may_trade:
        return panel("trade_refused", archived=portfolio.is_archived)
    return panel(
        "trade",
        portfolio=portfolio,
        assets=assets.items,
        values=trade_form.EMPTY if done else values,
        errors=errors,
        problem=errors.get("") or errors.get("client_reference"),
        recorded=done and trade_form.confirmation(done, portfolio),
    )


routes = [
    first,
    page,
    totals_panel,
    performance_panel,
    positions_panel,
    allocation_panel,
    transactions_panel,
    trade,
]
