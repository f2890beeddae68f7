"""The pages of signals: a list by asset, strategy, direction, strength or tag, and one in detail.

Equal for all who see public strategies alone, as the pages of strategies are.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from litestar import get
from markupsafe import Markup
from msgspec import Meta

from adaf.auth.guards import signed_in
from adaf.paging import Page
from adaf.parameters import SYMBOL_PATTERN, Id
from adaf.problem import BadInput
from adaf.request import Request
from adaf.signals import reads
from adaf.signals.models import Direction, Signal
from adaf.web.pages import SHARED, Html, fragment, panel
from adaf.web.templating import html

ROWS = 25
STRENGTHS = ("0.5", "0.8", "0.9", "0.95")
TOGETHER = "Choose a strength together with a direction, and without an asset."
_SENTENCES = {
    "symbol": "An asset is named by its symbol, such as BTC.",
    "direction": "A direction is buy, sell or hold.",
    "min_strength": "A strength is a number from 0 to 1.",
    "strategy_id": "A strategy is named by its number.",
    "tag": "A tag has 1 to 64 characters.",
    "cursor": "`cursor` is the one of an earlier page, unchanged.",
}


class Filters(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the list shows; as the query of its address says."""

    symbol: Annotated[str, Meta(pattern=SYMBOL_PATTERN)] | None = None
    direction: Direction | None = None
    min_strength: Annotated[float, Meta(ge=0, le=1)] = 0.0
    strategy_id: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None
    tag: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    cursor: Annotated[str, Meta(max_length=400)] | None = None


@get("/signals", opt=signed_in)
async def page(request: Request) -> Html:
    """Signals, newest first, and the form that filters them."""
    filters = typed(dict(request.query_params))
    problem = TOGETHER if clash(filters) else ""
    found = None if problem else await _found(request, filters)
    return html(
        "signals.html",
        status=400 if problem else 200,
        section="signals",
        user=None,
        headers=SHARED,
        filters=filters,
        strengths=STRENGTHS,
        problem=problem,
        signals=found and _list(found, filters),
        source="/panels/signals/list" + query(filters),
    )


@get("/panels/signals/list", opt=signed_in)
async def list_panel(request: Request) -> Html:
    filters = typed(dict(request.query_params))
    if clash(filters):
        raise BadInput(TOGETHER)
    return fragment(_list(await _found(request, filters), filters), headers=SHARED)


@get("/signals/{signal_id:int}", opt=signed_in)
async def detail(request: Request, signal_id: Id) -> Html:
    """One signal with all that its strategy said."""
    signal = await reads.signal(request.db, request.strategies_owner_id, signal_id)
    indicators = signal.payload.get("indicators")
    tags = signal.payload.get("tags")
    return html(
        "signal.html",
        section="signals",
        user=None,
        headers=SHARED,
        signal=signal,
        indicators=indicators if isinstance(indicators, dict) else {},
        tags=tags if isinstance(tags, list) else [],
        model=signal.payload.get("model"),
    )


def typed(given: dict[str, Any]) -> Filters:
    """The filters in a query; fields left empty are none. Raises BadInput with what is accepted."""
    values = {name: str(value).strip() for name, value in given.items() if name in _SENTENCES}
    values = {name: value.upper() if name == "symbol" else value for name, value in values.items() if value}
    for name, value in values.items():
        try:
            msgspec.convert({name: value}, Filters, strict=False)
        except msgspec.ValidationError:
            raise BadInput(_SENTENCES[name]) from None
    return msgspec.convert(values, Filters, strict=False)


def clash(filters: Filters) -> bool:
    """Whether the form was filled in as the API does not offer it."""
    return bool(filters.min_strength) and (filters.direction is None or filters.symbol is not None)


def query(filters: Filters) -> str:
    """The query that shows what `filters` say."""
    given = {name: value for name, value in msgspec.to_builtins(filters).items() if value}
    return f"?{urlencode(given)}" if given else ""


async def _found(request: Request, filters: Filters) -> Page[Signal]:
    return await reads.signals(
        request.db,
        request.strategies_owner_id,
        symbol=filters.symbol,
        strategy_id=filters.strategy_id,
        direction=filters.direction,
        tag=filters.tag,
        min_strength=filters.min_strength,
        cursor=filters.cursor,
        limit=ROWS,
    )


def _list(found: Page[Signal], filters: Filters) -> Markup:
    source = "/panels/signals/list"
    newest = query(msgspec.structs.replace(filters, cursor=None))
    more = query(msgspec.structs.replace(filters, cursor=found.next_cursor))
    return panel(
        "signal_list",
        signals=found.items,
        filters=filters,
        newest=("/signals" + newest, source + newest) if filters.cursor else None,
        more=("/signals" + more, source + more) if found.next_cursor else None,
    )


routes = [page, list_panel, detail]
