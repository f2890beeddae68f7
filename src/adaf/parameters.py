"""The types of path and query parameters, with the bounds that PostgreSQL and good sense set.

@get("/api/portfolios/{portfolio_id:int}/transactions")
async def transactions(
    request: Request, portfolio_id: Id, cursor: Cursor = None, limit: Limit = 50
) -> Page[Transaction]: ...
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from litestar.params import Parameter

from adaf.problem import BadInput

MAX_LIMIT = 200
SYMBOL_PATTERN = "^[A-Z0-9]{1,16}$"

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1, description="A row's number.")]
Limit = Annotated[int, Parameter(ge=1, le=MAX_LIMIT, description="Rows a page.")]
Cursor = Annotated[str | None, Parameter(max_length=400, description="`next_cursor` of the page before.")]
Symbol = Annotated[str, Parameter(pattern=SYMBOL_PATTERN, description="An asset's symbol, such as BTC.")]
OptionalSymbol = Annotated[
    str | None, Parameter(pattern=SYMBOL_PATTERN, description="An asset's symbol, such as BTC.")
]
Days = Annotated[int, Parameter(ge=1, le=730, description="Days back from the market's clock.")]
Instant = Annotated[
    datetime, Parameter(description="ISO 8601 between 1970 and 2200; UTC when it names no offset.")
]
OptionalInstant = Annotated[
    datetime | None, Parameter(description="ISO 8601 between 1970 and 2200; UTC when it names no offset.")
]

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def utc(value: datetime, name: str) -> datetime:
    """`value` of the parameter `name` with an offset. Raises BadInput outside 1970 to 2200."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    if not _EARLIEST <= aware <= _LATEST:
        raise BadInput(f"`{name}` is an instant between 1970 and 2200, such as 2026-01-31T12:00:00Z.")
    return aware
