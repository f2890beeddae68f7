"""What the web server loads: `granian --interface asgi --factory adaf.asgi:app`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adaf.app import create_asgi
from adaf.settings import from_environment

if TYPE_CHECKING:
    from pack2.http.identity import ASGIApp


def app() -> ASGIApp:
    """The dashboard as the environment says."""
    return create_asgi(from_environment())
