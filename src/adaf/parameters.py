"""The types of path and query parameters, with the bounds that PostgreSQL and good sense set.

@get("/portfolios/{portfolio_id:int}/transactions")
async def transactions(request: Request, portfolio_id: Id, cursor: Cursor = None, limit: Limit = 50) -> Page[Transaction]: ...
"""

from __future__ import annotations

from typing import Annotated

from litestar.params import Parameter

MAX_LIMIT = 200

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1, description="A row's number.")]
Limit = Annotated[int, Parameter(ge=1, le=MAX_LIMIT, description="Rows a page.")]
Cursor = Annotated[str | None, Parameter(max_length=400, description="`next_cursor` of the page before.")]
Symbol = Annotated[str, Parameter(pattern="^[A-Z0-9]{1,16}$", description="An asset's symbol, such as BTC.")]
OptionalSymbol = Annotated[
    str | None, Parameter(pattern="^[A-Z0-9]{1,16}$", description="An asset's symbol, such as BTC.")
]
Days = Annotated[int, Parameter(ge=1, le=730, description="Days back from the market's clock.")]
