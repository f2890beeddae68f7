"""Search over all that a user may see, and research notes, for the API and the pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from adaf.paging import Page, newest_first, page
from adaf.problem import BadInput, NotFound
from adaf.search.models import (
    Found,
    FoundAsset,
    FoundNote,
    FoundPortfolio,
    FoundStrategy,
    Kind,
    MatchingNote,
    Note,
)

if TYPE_CHECKING:
    from adaf.database import Database

BEGIN, END = "\x02", "\x03"


async def search(db: Database, user_id: int, text: str, kind: Kind = "all", limit: int = 10) -> Found:
    """The best `limit` of each kind for `text`; search words as in a web search for notes."""
    typed = text.strip().lower()
    if not typed:
        raise BadInput("`q` is the text to look for: at least one character that is not a space.")

    def wanted(one: Kind) -> bool:
        return kind in ("all", one)

    prefix, within = _pattern(typed) + "%", f"%{_pattern(typed)}%"
    assets = (
        await db.fetch("search_assets", typed, prefix, limit, type=FoundAsset) if wanted("assets") else []
    )
    portfolios = (
        await db.fetch("search_portfolios", user_id, within, limit, type=FoundPortfolio)
        if wanted("portfolios")
        else []
    )
    strategies = (
        await db.fetch("search_strategies", user_id, within, limit, type=FoundStrategy)
        if wanted("strategies")
        else []
    )
    notes = (
        await db.shared("search_notes", typed, limit, type=MatchingNote, tags=("research", "assets"))
        if wanted("notes")
        else ()
    )
    return Found(assets, portfolios, strategies, [_found(note) for note in notes])


async def research(
    db: Database,
    *,
    symbol: str | None = None,
    tag: str | None = None,
    author_id: int | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Note]:
    """A page of research notes, newest first. Raises BadInput for two filters or a foreign cursor."""
    name, filters = _shape(symbol, tag, author_id)
    rows = await db.fetch(name, *filters, *newest_first(cursor), limit + 1, type=Note)
    return page(rows, limit, lambda row: (row.published_at, row.id))


async def note(db: Database, note_id: int) -> Note:
    """One research note. Raises NotFound."""
    found = await db.one("research_one", note_id, type=Note)
    if found is None:
        raise NotFound("research note")
    return found


def _shape(symbol: str | None, tag: str | None, author_id: int | None) -> tuple[str, tuple[Any, ...]]:
    match symbol, tag, author_id:
        case None, None, None:
            return "research_recent", ()
        case str(), None, None:
            return "research_by_symbol", (symbol,)
        case None, str(), None:
            return "research_by_tag", (tag,)
        case None, None, int():
            return "research_by_author", (author_id,)
    raise BadInput("Filter by one of `symbol`, `tag` and `author_id`.")


def _found(note: MatchingNote) -> FoundNote:
    return FoundNote(
        id=note.id,
        symbol=note.symbol,
        title=note.title,
        excerpt=note.headline.replace(BEGIN, "").replace(END, ""),
        score=note.score,
        published_at=note.published_at,
        matched=sorted(set(re.findall(f"{BEGIN}([^{END}]+){END}", note.headline))),
    )


def _pattern(text: str) -> str:
    """`text` as a LIKE pattern that matches itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
