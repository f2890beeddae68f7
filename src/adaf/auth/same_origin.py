"""No foreign page changes anything in a signed-in browser: Sec-Fetch-Site, Origin or Referer must be our own.

A bearer token is never sent by a browser on its own, so requests that carry one need no proof. No token sits
in the HTML.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from adaf.problem import Forbidden

if TYPE_CHECKING:
    from adaf.request import Request

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def same_origin(request: Request) -> None:
    """Raises Forbidden for an unsafe request that another site caused."""
    scope: Any = request.scope
    if scope["method"] in _SAFE:
        return
    headers = dict(scope["headers"])
    if headers.get(b"authorization", b"")[:7].lower() == b"bearer ":
        return
    if not is_own(headers):
        raise Forbidden("Only this dashboard's own pages may send this request; scripts use a bearer token.")


def is_own(headers: dict[bytes, bytes]) -> bool:
    """Whether an unsafe request without bearer token comes from our own pages, or carries no session."""
    if (site := headers.get(b"sec-fetch-site")) is not None:
        return site in (b"same-origin", b"none")
    source = headers.get(b"origin") or headers.get(b"referer")
    if source is None:
        return b"cookie" not in headers
    try:
        host = urlsplit(source).netloc.lower()
        return bool(host) and host == headers.get(b"host", b"").lower()
    except ValueError:
        return False
