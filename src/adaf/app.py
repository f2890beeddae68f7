"""The dashboard as a Litestar application: its rooms, its database, its errors.

A room registers itself here: import its `routes` module and add it to `ROOMS`.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from litestar import Litestar
from litestar.datastructures import State

import adaf.auth.routes
import adaf.health.routes
import adaf.market.routes
import adaf.overview.routes
from adaf import openapi, problem
from adaf.auth.same_origin import same_origin
from adaf.auth.sessions import Sessions
from adaf.auth.sign_in import Gate
from adaf.database import Database
from adaf.parameters import known_parameters
from adaf.request import Request

if TYPE_CHECKING:
    from adaf.settings import Settings

ROOMS: tuple[ModuleType, ...] = (
    adaf.health.routes,
    adaf.auth.routes,
    adaf.market.routes,
    adaf.overview.routes,
    openapi,
)

MAX_BODY_BYTES = 1_000_000


def create_app(settings: Settings) -> Litestar:
    """The application without the performance pack.

    It starts without PostgreSQL, and answers 503 until that is there.
    """
    database = Database(settings)
    sessions = Sessions(database, settings.session_seconds)
    gate = Gate(database, sessions)
    return Litestar(
        route_handlers=[handler for room in ROOMS for handler in room.routes],
        request_class=Request,
        guards=[same_origin, known_parameters],
        exception_handlers=problem.HANDLERS,
        request_max_body_size=MAX_BODY_BYTES,
        state=State(
            {
                "settings": settings,
                "database": database,
                "sessions": sessions,
                "gate": gate,
                "cache_state": lambda: "off",
            }
        ),
        on_startup=[database.start],
        on_shutdown=[gate.passwords.stop, database.stop],
        openapi_config=None,
        logging_config=None,
    )
