"""/api/search and /api/research."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import Parameter

from adaf.auth.guards import signed_in
from adaf.paging import Page
from adaf.parameters import Cursor, Id, Limit, OptionalSymbol
from adaf.request import Request
from adaf.search import reads
from adaf.search.models import Found, Kind, Note

Text = Annotated[str, Parameter(min_length=1, max_length=200, description="What to look for.")]
Shown = Annotated[int, Parameter(ge=1, le=50, description="Results of each kind.")]
SearchKind = Annotated[Kind, Parameter(description="Where to look.")]
OptionalTag = Annotated[
    str | None, Parameter(min_length=1, max_length=64, description="Only notes with this tag.")
]
OptionalAuthor = Annotated[
    int | None, Parameter(ge=1, le=2**63 - 1, description="Only notes of this author.")
]


@get("/api/search", opt=signed_in)
async def search(request: Request, q: Text, kind: SearchKind = "all", limit: Shown = 10) -> Found:
    """Assets, own portfolios, strategies and research notes by text."""
    return await reads.search(request.db, request.user_id, q, kind, limit)


@get("/api/research", opt=signed_in)
async def research(
    request: Request,
    symbol: OptionalSymbol = None,
    tag: OptionalTag = None,
    author_id: OptionalAuthor = None,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> Page[Note]:
    """Research notes, newest first, by at most one filter."""
    return await reads.research(
        request.db, symbol=symbol, tag=tag, author_id=author_id, cursor=cursor, limit=limit
    )


@get("/api/research/{note_id:int}", opt=signed_in)
async def note(request: Request, note_id: Id) -> Note:
    """One research note."""
    return await reads.note(request.db, note_id)


routes = [search, research, note]
