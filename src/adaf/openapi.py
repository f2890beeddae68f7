"""The OpenAPI document: Litestar describes the routes; here each operation gets its problems and security."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from functools import cache
from typing import Any

import msgspec
from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.routes import HTTPRoute

from adaf.auth.guards import public
from adaf.auth.sessions import COOKIE
from adaf.problem import MEDIA_TYPE
from adaf.request import Request

DESCRIPTION = """Money and quantities are decimals, written as JSON strings so that no cent is lost; prices
of the market are numbers. Instants are ISO 8601 in UTC. A ratio of 0.05 is 5 %. Lists are pages: send
`next_cursor` as `cursor` until it is null. Every error is an RFC 9457 problem document."""

_UNSAFE = {"post", "put", "patch", "delete"}
_TELLS = {
    400: "A parameter or the body is malformed; `detail` says what is accepted.",
    401: "No session: sign in.",
    403: "The role does not suffice, or another site caused the request.",
    404: "There is none, or it belongs to somebody else.",
    409: "It contradicts what is recorded already.",
    410: "It was cleaned up.",
    413: "The body is larger than 1 MB.",
    422: "The values are well-formed, but can not be.",
    429: "Too many attempts or streams; see Retry-After.",
    503: "The database does not answer at the moment; see Retry-After.",
}


@get("/api/openapi.json", opt=public, include_in_schema=False)
async def openapi_document(request: Request) -> Response[bytes]:
    """This document."""
    body = _document(request.app)
    return Response(body, media_type="application/json", headers={"Cache-Control": "public, max-age=300"})


routes = [openapi_document]


@cache
def _document(app: Litestar) -> bytes:
    return msgspec.json.encode(document(app))


def document(app: Litestar) -> dict[str, Any]:
    """The OpenAPI 3.1 document of `app`'s API routes, as plain data."""
    handlers = {
        (route.path_format, method.lower()): handler
        for route in app.routes
        if isinstance(route, HTTPRoute) and route.path.startswith("/api/")
        for method, (handler, _) in route.route_handler_map.items()
    }
    described = _described(app).openapi_schema.to_schema()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            _complete(operation, method, path, handlers[path, method])
    described["components"].setdefault("schemas", {})["Problem"] = _problem_schema()
    described["components"]["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
        "bearer": {"type": "http", "scheme": "bearer"},
    }
    return described


def _described(app: Litestar) -> Litestar:
    """A twin of `app` whose only purpose is its description, so that Litestar adds no pages to ours.

    Its handlers are copies: a handler that two applications own forgets the first one's checks.
    """
    handlers = [
        handler
        for route in app.routes
        if isinstance(route, HTTPRoute) and route.path.startswith("/api/")
        for handler in _own(route.route_handlers)
    ]
    return Litestar(
        [*handlers],
        request_class=Request,
        openapi_config=OpenAPIConfig(
            title="ADAF Dashboard", version="1", description=DESCRIPTION, use_handler_docstrings=True
        ),
        logging_config=None,
    )


def _own(handlers: Iterable[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """Copies: registering a handler makes the application its owner, and with that loses `before_request`."""
    return [copy(handler) for handler in handlers if handler.resolve_include_in_schema()]


def _complete(operation: dict[str, Any], method: str, path: str, handler: HTTPRouteHandler) -> None:
    role = handler.opt.get("role", "viewer")
    for status in sorted(_problems(method, path, role, bool(operation.get("parameters")))):
        operation["responses"][str(status)] = {
            "description": _TELLS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    operation["security"] = [] if role is None else [{"session": []}, {"bearer": []}]


def _problems(method: str, path: str, role: str | None, has_parameters: bool) -> set[int]:
    statuses = {400, 503}
    if role is not None:
        statuses.add(401)
    if role in ("trader", "operator"):
        statuses.add(403)
    if has_parameters:
        statuses.add(404)
    if method in _UNSAFE:
        statuses |= {403, 404, 409, 413, 422}
    if path == "/api/auth/sign-in":
        statuses |= {401, 429}
    if path == "/api/live":
        statuses |= {429}
    if path.endswith("/download"):
        statuses |= {409, 410}
    return statuses


def _problem_schema() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "description": "RFC 9457 problem document.",
        "required": ["status", "title", "detail"],
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "errors": {
                "type": "array",
                "items": {"type": "object", "properties": {"field": text, "message": text}},
            },
        },
    }
