"""Describing the application must not change it."""

from __future__ import annotations

from litestar.routes import HTTPRoute

from adaf.app import create_app
from adaf.openapi import document
from adaf.settings import Settings


def test_the_session_check_stays_on_every_route() -> None:
    """The document is public: asking for it first must not take the check from routes not asked for yet."""
    app = create_app(Settings(database_url="postgresql://nobody@127.0.0.1:1/none", pack2=False))
    document(app)
    handlers = [
        handler for route in app.routes if isinstance(route, HTTPRoute) for handler in route.route_handlers
    ]
    assert len(handlers) > 50
    assert [handler for handler in handlers if handler.resolve_before_request() is None] == []
