"""/api/audit."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import Parameter

from adaf.audit import reads
from adaf.audit.models import Entry
from adaf.auth.guards import operator
from adaf.paging import Page
from adaf.parameters import Cursor, Limit
from adaf.request import Request

OptionalUser = Annotated[int | None, Parameter(ge=1, le=2**63 - 1, description="Only what this user did.")]
OptionalAction = Annotated[
    str | None,
    Parameter(pattern=r"^[a-z_.]{1,64}$", description="Only actions that begin so, such as `transaction`."),
]

OptionalSubject = Annotated[
    str | None,
    Parameter(
        pattern=r"^[a-z_]{1,32}:[A-Za-z0-9_.@-]{1,64}$",
        description="Only what was done to this subject, such as `portfolio:7`; not with another filter.",
    ),
]


@get("/api/audit", opt=operator)
async def entries(
    request: Request,
    user_id: OptionalUser = None,
    action: OptionalAction = None,
    subject: OptionalSubject = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Entry]:
    """The audit log, newest first."""
    return await reads.entries(
        request.db, user_id=user_id, action=action, subject=subject, cursor=cursor, limit=limit
    )


routes = [entries]
