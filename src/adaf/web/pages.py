"""What the pages of signed-in people share: their header, and how a fragment becomes a page or an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from litestar.response import Response
from markupsafe import Markup

from adaf.auth import reads as auth
from adaf.auth.models import User
from adaf.request import Request
from adaf.web.templating import environment, html

Html = Response[str]
SHARED = {"Cache-Control": "no-cache"}
"""Headers of what is the same for every signed-in user."""


async def together(request: Request, *reads: Awaitable[Any]) -> tuple[User, list[Any]]:
    """The signed-in user, and the results of `reads` in their order; all run at the same time."""
    user, *results = await asyncio.gather(auth.user(request.db, request.user_id), *reads)
    return user, results


def panel(name: str, **values: Any) -> Markup:
    """The panel `name` as HTML, to be placed in a page or sent alone."""
    return Markup(environment().get_template(f"panels/{name}.html").render(values))  # noqa: S704 - autoescaped


def fragment(made: Markup, status: int = 200, headers: dict[str, str] | None = None) -> Html:
    """A panel alone, for a page that is open already."""
    return html("fragment.html", status=status, headers=headers, made=made)


def links(
    options: list[tuple[str, str]], page: str, source: str, current: str
) -> list[tuple[str, str, str, bool]]:
    """Links of a segment control from (text, query) pairs; `current` is the query that is shown."""
    return [(text, page + query, source + query, query == current) for text, query in options]
