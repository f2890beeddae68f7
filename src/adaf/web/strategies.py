"""The list of strategies with its leaderboard, and the comparison of several.

Equal for all who see public strategies alone, so that one stored answer serves them: the browser asks on its
own who is signed in.
"""

from __future__ import annotations

import asyncio
from typing import Annotated
from urllib.parse import urlencode

from litestar import get
from litestar.params import FromQuery, Parameter
from litestar.response import Redirect
from markupsafe import Markup

from adaf.auth.guards import signed_in
from adaf.paging import Page
from adaf.parameters import MAX_LIMIT, Cursor, Days
from adaf.problem import BadInput
from adaf.request import Request
from adaf.strategies import reads
from adaf.strategies.figures import figures
from adaf.strategies.models import Curve, Kind, Order, Ranked, Strategy
from adaf.web.charts import ratio_chart
from adaf.web.pages import SHARED, Html, fragment, links, panel
from adaf.web.templating import html

ROWS = 20
RANKED = 10
MOST_COMPARED = 8  # as many colours as tell curves apart
RANGES = [("7 d", 7), ("30 d", 30), ("90 d", 90), ("1 y", 365)]
ORDERS: list[tuple[str, Order]] = [("Return", "return"), ("Sharpe", "sharpe")]
KINDS = [
    ("All", ""),
    ("Momentum", "?kind=momentum"),
    ("Mean reversion", "?kind=mean_reversion"),
    ("Breakout", "?kind=breakout"),
    ("Carry", "?kind=carry"),
    ("Market making", "?kind=market_making"),
]
CHOSEN = f"`ids` names 1 to {MOST_COMPARED} strategies by their numbers, with commas between."

OptionalKind = Annotated[Kind | None, Parameter(description="Only strategies of this kind.")]
Ids = Annotated[list[str] | None, Parameter(description=CHOSEN)]


@get("/strategies", opt=signed_in)
async def page(
    request: Request,
    days: Days = 30,
    order: FromQuery[Order] = "return",
    kind: OptionalKind = None,
    cursor: Cursor = None,
) -> Html:
    """The best, the user's own, and all public strategies."""
    db, owner_id = request.db, request.strategies_owner_id
    ranked, own, public = await asyncio.gather(
        reads.leaderboard(db, days, RANKED, order),
        reads.own_strategies(db, owner_id),
        reads.public_strategies(db, owner_id, kind=kind, cursor=cursor, limit=ROWS),
    )
    return html(
        "strategies.html",
        section="strategies",
        user=None,
        headers=SHARED,
        most=MOST_COMPARED,
        leaderboard=_leaderboard(ranked, days, order),
        leaderboard_source="/panels/strategies/leaderboard" + _ranking(days, order),
        own=_own(own),
        strategies=_list(public, kind, cursor),
        strategies_source="/panels/strategies/list" + _query(kind, cursor),
    )


@get("/panels/strategies/leaderboard", opt=signed_in)
async def leaderboard_panel(request: Request, days: Days = 30, order: FromQuery[Order] = "return") -> Html:
    ranked = await reads.leaderboard(request.db, days, RANKED, order)
    return fragment(_leaderboard(ranked, days, order), headers=SHARED)


@get("/panels/strategies/own", opt=signed_in)
async def own_panel(request: Request) -> Html:
    return fragment(_own(await reads.own_strategies(request.db, request.strategies_owner_id)), headers=SHARED)


@get("/panels/strategies/list", opt=signed_in)
async def list_panel(request: Request, kind: OptionalKind = None, cursor: Cursor = None) -> Html:
    found = await reads.public_strategies(
        request.db, request.strategies_owner_id, kind=kind, cursor=cursor, limit=ROWS
    )
    return fragment(_list(found, kind, cursor), headers=SHARED)


@get("/strategies/compare", opt=signed_in)
async def compare(request: Request, ids: Ids = None, days: Days = 90) -> Html | Redirect:
    """Several strategies side by side, and a form that adds another.

    A form sends `ids` several times: 303 to the one address that names them all.
    """
    chosen = chosen_ids(ids or [])
    address = _comparison("/strategies/compare", chosen, days)
    if len(ids or []) > 1:
        return Redirect(address, status_code=303, headers={"Cache-Control": "no-cache"})
    db, owner_id = request.db, request.strategies_owner_id
    curves, own, public = await asyncio.gather(
        reads.compare(db, owner_id, chosen, days),
        reads.own_strategies(db, owner_id),
        reads.public_strategies(db, owner_id, limit=MAX_LIMIT),
    )
    return html(
        "strategies_compare.html",
        section="strategies",
        user=None,
        headers=SHARED,
        days=days,
        most=MOST_COMPARED,
        ids=",".join(map(str, chosen)),
        chosen=[(curve.strategy, _without(curve.strategy, chosen, days)) for curve in curves],
        others=_others(own, public.items, chosen),
        comparison=_compared(curves, chosen, days),
        source=_comparison("/panels/strategies/compare", chosen, days),
    )


@get("/panels/strategies/compare", opt=signed_in)
async def compare_panel(request: Request, ids: Ids = None, days: Days = 90) -> Html:
    chosen = chosen_ids(ids or [])
    curves = await reads.compare(request.db, request.strategies_owner_id, chosen, days)
    return fragment(_compared(curves, chosen, days), headers=SHARED)


def chosen_ids(given: list[str]) -> list[int]:
    """The numbers in `given`, each once and in order. Raises BadInput for anything else and for too many."""
    words = [word.strip() for text in given for word in text.split(",") if word.strip()]
    if not all(word.isascii() and word.isdigit() and len(word) < 19 for word in words):
        raise BadInput(CHOSEN)
    found = list(dict.fromkeys(map(int, words)))
    if len(found) > MOST_COMPARED:
        raise BadInput(CHOSEN)
    return found


def _leaderboard(ranked: list[Ranked], days: int, order: Order) -> Markup:
    source = "/panels/strategies/leaderboard"
    ranges = [(text, _ranking(count, order)) for text, count in RANGES]
    orders = [(text, _ranking(days, by)) for text, by in ORDERS]
    return panel(
        "leaderboard",
        ranked=ranked,
        ranges=links(ranges, "/strategies", source, _ranking(days, order)),
        orders=links(orders, "/strategies", source, _ranking(days, order)),
    )


def _own(strategies: list[Strategy]) -> Markup:
    return panel("own_strategies", strategies=strategies)


def _list(found: Page[Strategy], kind: Kind | None, cursor: str | None) -> Markup:
    source, newest, older = "/panels/strategies/list", _query(kind, None), _query(kind, found.next_cursor)
    return panel(
        "strategies",
        strategies=found.items,
        kinds=links(KINDS, "/strategies", source, newest),
        newest=("/strategies" + newest, source + newest) if cursor else None,
        older=("/strategies" + older, source + older) if found.next_cursor else None,
    )


def _compared(curves: list[Curve], chosen: list[int], days: int) -> Markup:
    series = [
        (curve.strategy.name, dict(zip(curve.days, curve.cumulative_returns, strict=True)))
        for curve in curves
    ]
    ranges = [(text, _comparison("", chosen, count)) for text, count in RANGES]
    return panel(
        "comparison",
        chart=ratio_chart(series),
        rows=[(curve.strategy, figures(curve.cumulative_returns)) for curve in curves],
        ranges=links(
            ranges, "/strategies/compare", "/panels/strategies/compare", _comparison("", chosen, days)
        ),
    )


def _others(own: list[Strategy], public: list[Strategy], chosen: list[int]) -> list[Strategy]:
    """What can be added: the user's own first."""
    return [one for one in own + [row for row in public if not row.is_own] if one.id not in chosen]


def _without(strategy: Strategy, chosen: list[int], days: int) -> str:
    return _comparison("/strategies/compare", [other for other in chosen if other != strategy.id], days)


def _ranking(days: int, order: Order) -> str:
    return f"?days={days}&order={order}"


def _query(kind: Kind | None, cursor: str | None) -> str:
    given = {name: value for name, value in (("kind", kind), ("cursor", cursor)) if value}
    return f"?{urlencode(given)}" if given else ""


def _comparison(path: str, ids: list[int], days: int) -> str:
    return f"{path}?ids={','.join(map(str, ids))}&days={days}"


routes = [page, leaderboard_panel, own_panel, list_panel, compare, compare_panel]
