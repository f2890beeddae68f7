"""What the web server loads: the dashboard behind the performance pack, or alone with `PACK2=off`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from adaf.app import create_app
from adaf.auth.sessions import COOKIE
from adaf.settings import from_environment
from adaf.timing import ServerTiming
from pack2.config import load_config
from pack2.http import from_config

if TYPE_CHECKING:
    from adaf.settings import Settings
    from pack2.http.identity import ASGIApp


def build(settings: Settings) -> ASGIApp:
    """The whole application as the server runs it."""
    application = create_app(settings)
    timed: ASGIApp = ServerTiming(application)
    if not settings.pack2:
        return timed
    return from_config(
        timed,
        load_config(Path(settings.pack2_config)),
        database_url=settings.database_url,
        redis_url=settings.redis_url,
        identify=application.state.sessions.identify,
        credential=COOKIE,
    )


def app() -> ASGIApp:
    """A factory for `granian --factory adaf.asgi:app`; settings come from the environment."""
    return build(from_environment())
