"""One strategy: its curves and figures, its runs and signals, and the form that calculates it anew."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from litestar import get, post
from litestar.params import Parameter
from litestar.response import Redirect
from markupsafe import Markup

from adaf.auth.guards import signed_in, trader
from adaf.paging import Page
from adaf.parameters import Cursor, Days, Id
from adaf.problem import Problem, Unavailable, Unprocessable
from adaf.request import Request
from adaf.signals import reads as signals_room
from adaf.signals.models import Signal
from adaf.strategies import reads, writes
from adaf.strategies.figures import cumulative, drawdowns, figures
from adaf.strategies.models import ReturnPoint, Run, Strategy
from adaf.web.charts import ratio_chart
from adaf.web.pages import SHARED, Html, fragment, links, panel, together
from adaf.web.templating import html

RUNS = 8
SIGNALS = 8
RANGES = [("30 d", "?days=30"), ("90 d", "?days=90"), ("1 y", "?days=365"), ("2 y", "?days=730")]
ONE = "/strategies/{strategy_id:int}"
PANELS = "/panels" + ONE

Shown = Annotated[int | None, Parameter(ge=1, le=2**63 - 1, description="The run just made.")]


@get(ONE, opt=signed_in)
async def page(
    request: Request, strategy_id: Id, days: Days = 90, cursor: Cursor = None, run: Shown = None
) -> Html:
    """One strategy. `run` names the run that a form without scripts has just made."""
    return await _page(request, strategy_id, days=days, cursor=cursor, run_id=run)


@get(PANELS + "/performance", opt=signed_in)
async def performance_panel(request: Request, strategy_id: Id, days: Days = 90) -> Html:
    points = await reads.performance(request.db, request.strategies_owner_id, strategy_id, days)
    return fragment(_performance(strategy_id, points, days), headers=SHARED)


@get(PANELS + "/runs", opt=signed_in)
async def runs_panel(request: Request, strategy_id: Id, cursor: Cursor = None) -> Html:
    found = await reads.runs(request.db, request.user_id, strategy_id, cursor=cursor, limit=RUNS)
    return fragment(_runs(strategy_id, found, cursor))


@get(PANELS + "/signals", opt=signed_in)
async def signals_panel(request: Request, strategy_id: Id) -> Html:
    owner_id = request.strategies_owner_id
    await reads.strategy(request.db, owner_id, strategy_id)
    found = await signals_room.signals(request.db, owner_id, strategy_id=strategy_id, limit=SIGNALS)
    return fragment(_signals(strategy_id, found), headers=SHARED)


@post(ONE + "/runs", opt=trader, status_code=200)
async def calculate(request: Request, strategy_id: Id) -> Html | Redirect:
    """Calculate the strategy anew.

    With the header `Adaf-Panel` the answer is the form again, with the result or with what went wrong.
    Without it: 303 to the page, or the page with what went wrong (422, 503).
    """
    inside = "adaf-panel" in request.headers
    try:
        run = await writes.run_strategy(
            request.db, request.app.state.calculator, request.user_id, strategy_id, request.metrics
        )
    except (Unavailable, Unprocessable) as refusal:
        if not inside:
            return await _page(request, strategy_id, refusal=refusal)
        strategy = await reads.strategy(request.db, request.user_id, strategy_id)
        return fragment(_form(strategy, True, None, refusal), refusal.status, refusal.headers)
    if not inside:
        return Redirect(f"/strategies/{strategy_id}?run={run.id}", status_code=303)
    strategy = await reads.strategy(request.db, request.user_id, strategy_id)
    return fragment(_form(strategy, True, run))


async def _page(
    request: Request,
    strategy_id: int,
    *,
    days: int = 90,
    cursor: str | None = None,
    run_id: int | None = None,
    refusal: Problem | None = None,
) -> Html:
    db, user_id = request.db, request.user_id
    user, (strategy, points, runs, signals) = await together(
        request,
        reads.strategy(db, user_id, strategy_id),
        reads.performance(db, user_id, strategy_id, days),
        reads.runs(db, user_id, strategy_id, cursor=cursor, limit=RUNS),
        signals_room.signals(db, user_id, strategy_id=strategy_id, limit=SIGNALS),
    )
    made = next((run for run in runs.items if run.id == run_id), None)
    source = f"/panels/strategies/{strategy_id}"
    return html(
        "strategy.html",
        status=refusal.status if refusal else 200,
        headers=refusal.headers if refusal else None,
        section="strategies",
        user=user,
        strategy=strategy,
        performance=_performance(strategy_id, points, days),
        performance_source=f"{source}/performance?days={days}",
        form=_form(strategy, "trader" in request.identity.roles, made, refusal),
        runs=_runs(strategy_id, runs, cursor, run_id),
        runs_source=f"{source}/runs{_query(cursor)}",
        signals=_signals(strategy_id, signals),
        signals_source=f"{source}/signals",
    )


def _performance(strategy_id: int, points: list[ReturnPoint], days: int) -> Markup:
    dates = [point.day for point in points]
    grown = cumulative([point.daily_return for point in points])
    return panel(
        "strategy_performance",
        figures=figures(grown),
        equity=ratio_chart([("Return", dict(zip(dates, grown, strict=True)))]),
        drawdown=ratio_chart([("Drawdown", dict(zip(dates, drawdowns(grown), strict=True)))]),
        ranges=links(
            RANGES,
            f"/strategies/{strategy_id}",
            f"/panels/strategies/{strategy_id}/performance",
            f"?days={days}",
        ),
    )


def _form(strategy: Strategy, may_run: bool, run: Run | None, refusal: Problem | None = None) -> Markup:
    return panel(
        "run_form",
        strategy=strategy,
        may_run=may_run,
        history_days=writes.HISTORY_DAYS[strategy.timeframe],
        run=run,
        refusal=refusal and refusal.detail,
    )


def _runs(strategy_id: int, found: Page[Run], cursor: str | None, made_id: int | None = None) -> Markup:
    page, source = f"/strategies/{strategy_id}", f"/panels/strategies/{strategy_id}/runs"
    older = _query(found.next_cursor)
    return panel(
        "runs",
        runs=found.items,
        made_id=made_id,
        newest=(page, source) if cursor else None,
        older=(page + older, source + older) if found.next_cursor else None,
    )


def _signals(strategy_id: int, found: Page[Signal]) -> Markup:
    return panel(
        "signals",
        signals=found.items,
        all=f"/signals?strategy_id={strategy_id}" if found.items else None,
        empty="This strategy has not reported yet.",
    )


def _query(cursor: str | None) -> str:
    return f"?{urlencode({'cursor': cursor})}" if cursor else ""


routes = [page, performance_panel, runs_panel, signals_panel, calculate]
