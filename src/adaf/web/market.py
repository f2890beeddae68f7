"""The market page, an asset's page, and their panels: equal for every signed-in user, so that one stored
answer serves all; the browser asks on its own who is signed in.
"""

from __future__ import annotations

import asyncio
from typing import Annotated
from urllib.parse import urlencode

from litestar import get
from litestar.params import FromQuery, Parameter
from markupsafe import Markup

from adaf.auth.guards import signed_in
from adaf.market import reads
from adaf.market.models import AssetContext, AssetDetail, AssetRow, Candles, Sparkline, Timeframe
from adaf.parameters import MAX_LIMIT, Symbol
from adaf.request import Request
from adaf.web import format
from adaf.web.candles import candle_chart, rows
from adaf.web.pages import SHARED, Html, fragment, links, panel
from adaf.web.templating import html

SPARK_HOURS = 24
CANDLES = 180
PAGE_ROWS = 50
TIMEFRAMES = [(text, f"?timeframe={text}") for text in ("1m", "5m", "1h", "1d")]

Query = Annotated[str, Parameter(max_length=40, description="A part of a symbol or a name.")]
Category = Annotated[str, Parameter(max_length=40, description="A category of assets.")]
Number = Annotated[int, Parameter(ge=1, le=100, description="The page of the list.")]


@get("/market", opt=signed_in)
async def page(request: Request, q: Query = "", category: Category = "", number: Number = 1) -> Html:
    """All assets with their quotes and the last day's trend, most traded first."""
    db = request.db
    assets, sparklines, categories = await asyncio.gather(
        reads.assets(db, category or None, None, MAX_LIMIT),
        reads.sparklines(db, SPARK_HOURS),
        reads.categories(db),
    )
    return html(
        "market.html",
        section="market",
        user=None,
        headers=SHARED,
        q=q,
        category=category,
        categories=categories,
        source="/panels/market/assets" + _query(q, category, number),
        assets=_assets(assets.items, sparklines, q, category, number),
    )


@get("/panels/market/assets", opt=signed_in)
async def assets_panel(request: Request, q: Query = "", category: Category = "", number: Number = 1) -> Html:
    assets = await reads.assets(request.db, category or None, None, MAX_LIMIT)
    sparklines = await reads.sparklines(request.db, SPARK_HOURS)
    return fragment(_assets(assets.items, sparklines, q, category, number), headers=SHARED)


@get("/market/{symbol:str}", opt=signed_in)
async def asset_page(request: Request, symbol: Symbol, timeframe: FromQuery[Timeframe] = "1h") -> Html:
    """One asset: candles, quote, research and signals."""
    db = request.db
    detail, candles, context = await asyncio.gather(
        reads.asset_detail(db, symbol),
        reads.candles(db, symbol, timeframe, None, CANDLES),
        reads.asset_context(db, symbol),
    )
    return html(
        "asset.html",
        section="market",
        user=None,
        headers=SHARED,
        asset=detail.asset,
        candles_source=f"/panels/market/{symbol}/candles?timeframe={timeframe}",
        candles=_candles(candles),
        quote=_quote(detail),
        notes=_notes(context),
        signals=_signals(context, symbol),
    )


@get("/panels/market/{symbol:str}/candles", opt=signed_in)
async def candles_panel(request: Request, symbol: Symbol, timeframe: FromQuery[Timeframe] = "1h") -> Html:
    return fragment(
        _candles(await reads.candles(request.db, symbol, timeframe, None, CANDLES)), headers=SHARED
    )


@get("/panels/market/{symbol:str}/quote", opt=signed_in)
async def quote_panel(request: Request, symbol: Symbol) -> Html:
    return fragment(_quote(await reads.asset_detail(request.db, symbol)), headers=SHARED)


def matching(assets: list[AssetRow], q: str) -> list[AssetRow]:
    """Assets whose symbol or name holds `q`, most traded first; all for an empty `q`."""
    wanted = q.strip().casefold()
    found = [a for a in assets if wanted in a.symbol.casefold() or wanted in a.name.casefold()]
    return sorted(found, key=lambda a: (-a.volume_24h * a.price, a.symbol))


def _assets(
    assets: list[AssetRow], sparklines: list[Sparkline], q: str, category: str, number: int
) -> Markup:
    found = matching(assets, q)
    first = PAGE_ROWS * (number - 1)
    return panel(
        "assets",
        assets=found[first : first + PAGE_ROWS],
        count=len(found),
        q=q,
        category=category,
        closes={line.symbol: line.closes for line in sparklines},
        before=_pager(q, category, number - 1) if number > 1 else None,
        after=_pager(q, category, number + 1) if first + PAGE_ROWS < len(found) else None,
    )


def _pager(q: str, category: str, number: int) -> tuple[str, str]:
    query = _query(q, category, number)
    return f"/market{query}", f"/panels/market/assets{query}"


def _query(q: str, category: str, number: int) -> str:
    given = {"q": q, "category": category, "number": number if number > 1 else ""}
    query = urlencode({name: value for name, value in given.items() if value})
    return f"?{query}" if query else ""


def _candles(candles: Candles) -> Markup:
    decimals = format.price_decimals(candles.items[-1].close) if candles.items else 2
    source = f"/panels/market/{candles.symbol}/candles"
    return panel(
        "candles",
        symbol=candles.symbol,
        timeframe=candles.timeframe,
        chart=candle_chart(candles.items, candles.timeframe),
        rows=rows(candles.items, decimals),
        decimals=decimals,
        timeframes=links(TIMEFRAMES, f"/market/{candles.symbol}", source, f"?timeframe={candles.timeframe}"),
    )


def _quote(detail: AssetDetail) -> Markup:
    asset = detail.asset
    return panel(
        "quote",
        asset=asset,
        change_ratio=asset.price / asset.price_24h_ago - 1 if asset.price_24h_ago else None,
        spread_ratio=(asset.ask - asset.bid) / asset.price,
        day_range=detail.day_range,
        volatility=detail.hourly_volatility,
        holders=detail.holders,
        sentiment=detail.sentiment,
    )


def _notes(context: AssetContext) -> Markup:
    return panel("notes", notes=context.notes)


def _signals(context: AssetContext, symbol: str) -> Markup:
    return panel(
        "signals",
        signals=context.signals[:6],
        all=f"/signals?symbol={symbol}",
        empty="Public strategies that watch this asset report here.",
    )


routes = [page, assets_panel, asset_page, candles_panel, quote_panel]
