"""The dashboard as a Litestar application: its rooms, its database, its errors.

A room registers itself here: import its `routes` module and add it to `ROOMS`.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from litestar import Litestar
from litestar.datastructures import State

import adaf.auth.routes
import adaf.market.routes
import adaf.overview.routes
from adaf import problem
from adaf.auth.sessions import Sessions
from adaf.database import Database
from adaf.request import Request

if TYPE_CHECKING:
    from adaf.settings import Settings

ROOMS: tuple[ModuleType, ...] = (
    adaf.auth.routes,
    adaf.market.routes,
    adaf.overview.routes,
)

MAX_BODY_BYTES = 1_000_000


def create_app(settings: Settings) -> Litestar:
    """The application without the performance pack. It starts without PostgreSQL and answers 503 until that is there."""
    database = Database(settings)
    return Litestar(
        route_handlers=[handler for room in ROOMS for handler in room.routes],
        request_class=Request,
        exception_handlers=problem.HANDLERS,
        request_max_body_size=MAX_BODY_BYTES,
        state=State(
            {
                "database": database,
                "sessions": Sessions(database, settings.session_seconds),
                "settings": settings,
            }
        ),
        on_startup=[database.start],
        on_shutdown=[database.stop],
        openapi_config=None,
        logging_config=None,
    )
