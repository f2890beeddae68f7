"""Every error is an RFC 9457 problem document with a sentence that says what is accepted; none is a bare 500.

Rooms raise one of the classes below, such as `raise NotFound("portfolio")` or
`raise BadInput("`days` is 1 to 365.")`; `adaf.app` turns them, Litestar's own errors and
PostgreSQL's refusals into answers.
"""

from __future__ import annotations

import logging
import re
import traceback
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

import asyncpg
import msgspec
from litestar.exceptions import HTTPException
from litestar.response import Response

from adaf.accepted import told

if TYPE_CHECKING:
    from litestar import Request

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("adaf")
_NOT_JSON = ("Input data was truncated", "JSON is malformed")


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457, section 3.1. `errors` names each refused input."""

    status: int
    title: str
    detail: str
    type: str = "about:blank"
    errors: list[dict[str, str]] | None = None


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """An answer that is an error. `detail` is one sentence for the client that says what is accepted."""

    status: ClassVar[int] = 500

    def __init__(self, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers or {}


class BadInput(Problem):
    status = 400


class NotSignedIn(Problem):
    status = 401

    def __init__(
        self, detail: str = "Sign in at /api/auth/sign-in and send the session as cookie or bearer token."
    ) -> None:
        super().__init__(detail, {"WWW-Authenticate": 'Bearer realm="adaf"'})


class Forbidden(Problem):
    status = 403


class NotFound(Problem):
    """There is none, or it belongs to somebody else: the answer does not tell which."""

    status = 404

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what} here.")


class Conflict(Problem):
    status = 409


class Gone(Problem):
    """It was there, and was cleaned up."""

    status = 410


class Unprocessable(Problem):
    status = 422


class TooManyRequests(Problem):
    status = 429

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail, {"Retry-After": str(retry_after_seconds)})


class Unavailable(Problem):
    status = 503

    def __init__(self, detail: str, retry_after_seconds: int = 1) -> None:
        super().__init__(detail, {"Retry-After": str(retry_after_seconds)})


def answer(
    status: int,
    detail: str,
    headers: dict[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> Response[ProblemDocument]:
    """The problem document as a response that no cache keeps."""
    document = ProblemDocument(status=status, title=HTTPStatus(status).phrase, detail=detail, errors=errors)
    return Response(
        document,
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def from_problem(_: Request[Any, Any, Any], error: Problem) -> Response[ProblemDocument]:
    return answer(error.status, error.detail, error.headers)


def from_litestar(request: Request[Any, Any, Any], error: HTTPException) -> Response[ProblemDocument]:
    """Litestar's own refusals: unknown route, method, body, types."""
    if error.status_code == 404:
        return answer(404, "There is no such route here; /api/openapi.json lists them all.")
    if error.status_code == 405:
        return answer(405, f"{request.method} is not possible here.", error.headers)
    if error.status_code == 413:
        return answer(413, "The body is larger than the accepted 1 MB.")
    if error.status_code >= 500:
        return from_unexpected(request, error)
    faults = _faults(request, error.extra) or _missing(request, error.detail)
    detail = " ".join(fault["message"] for fault in faults) if faults else error.detail
    if detail.startswith(_NOT_JSON):
        detail = f"The body has to be JSON: {detail[0].lower()}{detail[1:]}."
    return answer(error.status_code, detail, error.headers, faults or None)


def from_data_error(_: Request[Any, Any, Any], error: asyncpg.DataError) -> Response[ProblemDocument]:
    """PostgreSQL (or asyncpg for it) refused a value: NUL in a text, a number or a date out of range."""
    _log.info("refused by PostgreSQL: %s", type(error).__name__)
    return answer(
        400, "A value is outside of what is accepted: text without NUL, numbers and dates in range."
    )


def from_depth(_: Request[Any, Any, Any], error: RecursionError) -> Response[ProblemDocument]:
    """A body that is nested deeper than any of ours."""
    _log.info("refused: %s", error)
    return answer(400, "The body is nested too deeply; /api/openapi.json describes what is accepted.")


def from_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[ProblemDocument]:
    """A defect of ours, told without details. The log has where it happened, and no value of the request:
    paths and exceptions' texts may hold somebody's.
    """
    route = request.scope.get("path_template", "other")
    places = "".join(traceback.format_tb(error.__traceback__))
    request.app.state.metrics.add("pack2_http_exceptions_total")
    _log.error("%s %s failed: %s\n%s", request.method, route, type(error).__name__, places)
    return answer(500, "The dashboard failed at this request; the failure has been logged.")


def _faults(
    request: Request[Any, Any, Any], extra: dict[str, Any] | list[Any] | None
) -> list[dict[str, str]]:
    """Each refused input with a sentence; what its parameter's description says is part of it."""
    if not isinstance(extra, list):
        return []
    parameters = request.route_handler.parsed_fn_signature.parameters
    faults = []
    for item in extra:
        field, message = str(item.get("key", "")), str(item.get("message", ""))
        if field == "data" and message == "'data'":
            faults.append({"field": "body", "message": "The JSON body is missing."})
            continue
        known = parameters.get(field)
        hint = _hint(known) if known else _hint(parameters.get("data"), field)
        name = "body" if field == "data" else field
        faults.append({"field": name, "message": f"`{name}`: {message[:200]}. {hint}".rstrip()})
    return faults


def _missing(request: Request[Any, Any, Any], detail: str) -> list[dict[str, str]]:
    """Litestar tells a missing parameter in its own sentence alone."""
    found = re.match(r"Missing required \w+ parameter '(\w+)'", detail)
    if not found:
        return []
    hint = _hint(request.route_handler.parsed_fn_signature.parameters.get(found[1]))
    return [{"field": found[1], "message": f"`{found[1]}` is missing. {hint}".rstrip()}]


def _hint(parameter: Any, path: str = "") -> str:
    """What a parameter of a route accepts, or the field of its body at `path`."""
    if parameter is None or path == "data":
        return ""
    described = None if path else getattr(parameter.kwarg_definition, "description", None)
    return " ".join(dict.fromkeys(filter(None, (described, told(parameter.annotation, path)))))


HANDLERS: dict[int | type[Exception], Any] = {
    Problem: from_problem,
    HTTPException: from_litestar,
    asyncpg.DataError: from_data_error,
    RecursionError: from_depth,
    Exception: from_unexpected,
}
