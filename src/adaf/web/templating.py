"""Jinja templates with autoescape on, and the answers made from them.

One template a panel serves the first paint and the refresh. Nothing in a page is drawn at random or depends
on the clock, so that equal data gives equal bytes and one ETag.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar.response import Response
from markupsafe import Markup

from adaf.web import charts, format
from adaf.web.static_files import tree

FIRST_SCRIPT = tree().files["js/first.js"].body
"""The one script inside the page: it must run before the first paint, which should not wait for a request."""
_FIRST_DIGEST = b64encode(sha256(FIRST_SCRIPT).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; script-src 'self' 'sha256-{_FIRST_DIGEST}'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def html(
    template: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any
) -> Response[str]:
    """The template as an answer with a page's security headers; browsers ask again before they reuse it."""
    return Response(
        environment().get_template(template).render(values),
        status_code=status,
        media_type="text/html",
        headers={**HEADERS, "Cache-Control": "private, no-cache", **(headers or {})},
    )


@cache
def environment() -> Environment:
    """The templates: formatters are filters; `static`, `json`, `ring` and `spark` are functions."""
    made = Environment(
        loader=PackageLoader("adaf.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        {
            name: getattr(format, name)
            for name in (
                "money",
                "price",
                "compact",
                "quantity",
                "percent",
                "share",
                "direction",
                "arrow",
                "moment",
                "short_moment",
                "day",
                "label",
                "figure",
                "marked",
            )
        }
    )
    made.globals.update(
        static=tree().url,
        first_script=Markup(FIRST_SCRIPT.decode()),  # noqa: S704 - our own file
        json=json_block,
        ring=charts.ring,
        spark=charts.spark,
    )
    return made


def json_block(value: object) -> Markup:
    """`value` as JSON for a JSON block: without `<`, so that nothing in it ends the element."""
    return Markup(msgspec.json.encode(value).decode().replace("<", "\\u003c"))  # noqa: S704 - escaped here
