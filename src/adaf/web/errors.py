"""Errors as pages for people and as problem documents for programs.

A browser that asks for a page is sent to the sign-in form when nobody is signed in, and gets a page in the
look of the dashboard for any other error. `/api/…` always answers with a problem document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from litestar import Request
from litestar.response import Redirect, Response

from adaf.problem import ProblemDocument
from adaf.web.templating import html

Handler = Callable[[Request[Any, Any, Any], Any], Response[ProblemDocument]]

_TITLES = {
    400: "This address is not understood",
    403: "This is not yours to do",
    404: "There is nothing here",
    405: "This can not be done here",
    413: "Too much at once",
    429: "Too many attempts",
    500: "Something failed here",
    503: "One moment, please",
}


def for_browsers(handlers: Mapping[int | type[Exception], Handler]) -> dict[int | type[Exception], Any]:
    """`handlers`, each answering with a page where a person asks."""
    return {error: _negotiated(handler) for error, handler in handlers.items()}


def _negotiated(handler: Handler) -> Callable[[Request[Any, Any, Any], Any], Response[Any]]:
    def answer(request: Request[Any, Any, Any], error: Any) -> Response[Any]:
        problem = handler(request, error)
        return page_of(request, problem) if wants_page(request) else problem

    return answer


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Whether a person asks: outside of the API, and HTML is accepted by name."""
    path = request.scope["path"]
    return not path.startswith(("/api/", "/static/")) and "text/html" in request.headers.get("accept", "")


def page_of(request: Request[Any, Any, Any], problem: Response[ProblemDocument]) -> Response[Any]:
    """The page for a problem document, with its status and headers."""
    status, detail = problem.content.status, problem.content.detail
    if status == 401 and not request.scope["path"].startswith("/panels/"):
        return Redirect(f"/sign-in{_back(request)}", status_code=303, headers={"Cache-Control": "no-store"})
    kept = {name: value for name, value in problem.headers.items() if name.lower() != "content-type"}
    title = _TITLES.get(status, problem.content.title)
    if status == 404:
        detail = "The address is wrong, or what it showed is gone or belongs to somebody else."
    return html("error.html", status=status, headers=kept, code=status, title=title, detail=detail)


def _back(request: Request[Any, Any, Any]) -> str:
    """Where to go on after signing in: the page that was asked for, if it can be asked for again."""
    path, query = request.scope["path"], request.scope["query_string"].decode("latin-1")
    if request.method != "GET" or path == "/":
        return ""
    return "?" + urlencode({"next": f"{path}?{query}" if query else path})
