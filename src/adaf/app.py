"""The dashboard as a Litestar application: its rooms, its database, its errors.

A room registers itself here: import its `routes` module and add it to `ROOMS`.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from litestar import Litestar
from litestar.datastructures import State

import adaf.alerts.routes
import adaf.audit.routes
import adaf.auth.routes
import adaf.health.routes
import adaf.live.routes
import adaf.market.routes
import adaf.overview.routes
import adaf.portfolios.routes
import adaf.reports.routes
import adaf.search.routes
import adaf.signals.routes
import adaf.strategies.routes
import adaf.web.routes
from adaf import openapi, problem
from adaf.auth.guards import admit
from adaf.auth.same_origin import same_origin
from adaf.auth.sessions import Sessions
from adaf.auth.sign_in import Gate
from adaf.database import Database
from adaf.live.hub import Hub
from adaf.metrics.families import new_recorder
from adaf.metrics.wiring import with_metrics
from adaf.parameters import known_parameters
from adaf.request import Request
from adaf.strategies.calculator import Calculator
from adaf.timing import ServerTiming
from adaf.web import errors
from pack2.browser import BrowserCache
from pack2.config import Config, load_config
from pack2.http import from_config

if TYPE_CHECKING:
    from adaf.settings import Settings
    from pack2.http.identity import ASGIApp

ROOMS: tuple[ModuleType, ...] = (
    adaf.health.routes,
    adaf.auth.routes,
    adaf.market.routes,
    adaf.live.routes,
    adaf.overview.routes,
    adaf.portfolios.routes,
    adaf.strategies.routes,
    adaf.signals.routes,
    adaf.alerts.routes,
    adaf.search.routes,
    adaf.reports.routes,
    adaf.audit.routes,
    adaf.web.routes,
    openapi,
)

MAX_BODY_BYTES = 1_000_000


async def _check(request: Any) -> None:
    """Before every route: not from a foreign page, by somebody who may, with parameters that exist."""
    same_origin(request)
    await admit(request)
    known_parameters(request)


def create_app(settings: Settings) -> Litestar:
    """The application without the performance pack.

    It starts without PostgreSQL, and answers 503 until that is there.
    """
    metrics = new_recorder()
    database = Database(settings, metrics)
    sessions = Sessions(database, settings.session_seconds)
    gate = Gate(database, sessions, metrics)
    calculator = Calculator()
    live = Hub(settings.database_url, database)
    return Litestar(
        route_handlers=[handler for room in ROOMS for handler in room.routes],
        request_class=Request,
        before_request=_check,
        exception_handlers=errors.for_browsers(problem.HANDLERS),
        request_max_body_size=MAX_BODY_BYTES,
        state=State(
            {
                "settings": settings,
                "database": database,
                "sessions": sessions,
                "gate": gate,
                "calculator": calculator,
                "live": live,
                "cache_state": lambda: "off",
                "metrics": metrics,
            }
        ),
        on_startup=[live.start, calculator.start],
        on_shutdown=[live.stop, calculator.stop, gate.passwords.stop, database.stop],
        openapi_config=None,
        logging_config=None,
    )


def create_asgi(settings: Settings) -> ASGIApp:
    """The application as the server runs it: timed, behind the cache unless PACK2 is off, and counted."""
    application = create_app(settings)
    timed: ASGIApp = ServerTiming(cast("ASGIApp", application))
    if not settings.pack2:
        return with_metrics(BrowserCache(timed, Config()), application, settings)
    config = load_config(Path(settings.pack2_config))
    cached = from_config(
        timed,
        config,
        database_url=settings.database_url,
        redis_url=settings.redis_url,
        identify=application.state.sessions.identify_with_group,
    )
    application.state.database.cache = cached.cache
    application.state.cache_state = lambda: "ok" if cached.cache.is_trusted() else "bypassed"
    kept = BrowserCache(cached, config, identify=cached.identify)
    return with_metrics(kept, application, settings, cached.cache)
