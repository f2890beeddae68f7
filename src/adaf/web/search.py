"""Search over all that a user may see: the page, its results while one types, the header's suggestions; and a
research note.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

import msgspec
from litestar import get
from litestar.params import FromQuery, Parameter
from markupsafe import Markup

from adaf.auth.guards import signed_in
from adaf.parameters import Id
from adaf.request import Request
from adaf.search import reads
from adaf.search.models import Found, Kind
from adaf.web.pages import SHARED, Html, fragment, links, panel, together
from adaf.web.templating import html

RESULTS = 10
SUGGESTED = 3  # of each kind
OTHER_NOTES = 6
KINDS: list[tuple[str, Kind]] = [
    ("All", "all"),
    ("Assets", "assets"),
    ("Strategies", "strategies"),
    ("Portfolios", "portfolios"),
    ("Research", "notes"),
]

Text = Annotated[str, Parameter(max_length=200, description="What to look for: at most 200 characters.")]


class Suggestion(msgspec.Struct, frozen=True):
    """One line below the header's search field."""

    kind: str
    href: str
    text: str
    more: str = ""


@get("/search", opt=signed_in)
async def page(request: Request, q: Text = "", kind: FromQuery[Kind] = "all") -> Html:
    """The search form, and what was found."""
    user, (found,) = await together(request, _found(request, q, kind, RESULTS))
    return html(
        "search.html",
        section="search",
        user=user,
        q=q.strip(),
        kind=kind,
        source="/panels/search/results" + _query(q, kind),
        results=_results(found, q, kind),
    )


@get("/panels/search/results", opt=signed_in)
async def results_panel(request: Request, q: Text = "", kind: FromQuery[Kind] = "all") -> Html:
    return fragment(_results(await _found(request, q, kind, RESULTS), q, kind))


@get("/panels/search/suggestions", opt=signed_in)
async def suggestions_panel(request: Request, q: Text = "") -> Html:
    """The best of each kind as options of a list; nothing for nothing."""
    return html("suggestions.html", suggestions=suggestions(await _found(request, q, "all", SUGGESTED)))


@get("/research/{note_id:int}", opt=signed_in)
async def note_page(request: Request, note_id: Id) -> Html:
    """One research note, and others about its asset: the same for every signed-in user."""
    note = await reads.note(request.db, note_id)
    others = await reads.research(request.db, symbol=note.symbol, limit=OTHER_NOTES + 1)
    return html(
        "note.html",
        section="search",
        user=None,
        headers=SHARED,
        note=note,
        others=panel("notes", notes=[other for other in others.items if other.id != note_id][:OTHER_NOTES]),
    )


def suggestions(found: Found) -> list[Suggestion]:
    """What was found, in the order of the page."""
    return [
        *(Suggestion("Asset", f"/market/{a.symbol}", a.symbol, a.name) for a in found.assets),
        *(Suggestion("Strategy", f"/strategies/{s.id}", s.name) for s in found.strategies),
        *(Suggestion("Portfolio", f"/portfolio/{p.id}", p.name) for p in found.portfolios),
        *(Suggestion("Research", f"/research/{n.id}", n.title, n.symbol) for n in found.notes),
    ]


async def _found(request: Request, q: str, kind: Kind, limit: int) -> Found:
    if not q.strip():
        return Found([], [], [], [])
    return await reads.search(request.db, request.user_id, q, kind, limit)


def _results(found: Found, q: str, kind: Kind) -> Markup:
    options = [(text, _query(q, one)) for text, one in KINDS]
    return panel(
        "found",
        found=found,
        q=q.strip(),
        words=q.split(),
        any=bool(found.assets or found.strategies or found.portfolios or found.notes),
        kinds=links(options, "/search", "/panels/search/results", _query(q, kind)),
    )


def _query(q: str, kind: Kind) -> str:
    given = {"q": q.strip(), "kind": "" if kind == "all" else kind}
    query = urlencode({name: value for name, value in given.items() if value})
    return f"?{query}" if query else ""


routes = [page, results_panel, suggestions_panel, note_page]
