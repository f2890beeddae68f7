"""The types of path and query parameters, with the bounds that PostgreSQL and good sense set.

@get("/api/portfolios/{portfolio_id:int}/transactions")
async def transactions(
    request: Request, portfolio_id: Id, cursor: Cursor = None, limit: Limit = 50
) -> Page[Transaction]: ...
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from litestar.params import Parameter, ParameterKwarg

from adaf.problem import BadInput

if TYPE_CHECKING:
    from litestar.handlers import BaseRouteHandler

    from adaf.request import Request

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

_RESERVED = frozenset({"request", "data", "state", "headers", "cookies", "query", "scope", "socket"})
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def utc(value: datetime, name: str) -> datetime:
    """`value` of the parameter `name` with an offset. Raises BadInput outside 1970 to 2200."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    if not _EARLIEST <= aware <= _LATEST:
        raise BadInput(f"`{name}` is an instant between 1970 and 2200, such as 2026-01-31T12:00:00Z.")
    return aware


def known_parameters(request: Request) -> None:
    """In the API a misspelt query parameter is told, not ignored. Raises BadInput."""
    scope: Any = request.scope
    if not scope["query_string"] or not scope["path"].startswith("/api/"):
        return
    accepted = _accepted(scope["route_handler"])
    if unknown := sorted(set(request.query_params) - accepted):
        accepts = f"accepts {', '.join(sorted(accepted))}" if accepted else "accepts no query parameters"
        raise BadInput(f"{unknown[0][:40]!r} is no parameter of this route; it {accepts}.")


@cache
def _accepted(handler: BaseRouteHandler) -> frozenset[str]:
    return frozenset(
        (field.kwarg_definition.query if isinstance(field.kwarg_definition, ParameterKwarg) else None) or name
        for name, field in handler.parsed_fn_signature.parameters.items()
        if name not in _RESERVED and f"{{{name}:" not in "".join(handler.paths)
    )
