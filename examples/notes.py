"""Pack 2 before your own application: `uvicorn examples.notes:app`, with DATABASE_URL set."""

import os

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from pack2.config import CacheSection, Config, Http, HttpPolicy
from pack2.http import from_config


async def notes(request):
    return JSONResponse(["slow to make"])


async def nobody(scope):  # who asks? read your session here and return an Identity
    return None


policies = (HttpPolicy(route="/notes", scope="public", ttl_seconds=60, tags=("notes",)),)
app = from_config(
    Starlette(routes=[Route("/notes", notes)]),
    Config(cache=CacheSection(namespace="notes"), http=Http(policy=policies)),
    database_url=os.environ["DATABASE_URL"],
    redis_url=os.environ.get("REDIS_URL"),
    identify=nobody,
)
