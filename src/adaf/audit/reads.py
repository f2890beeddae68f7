"""Reads of the audit log, for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adaf.audit.models import Entry
from adaf.paging import Page, newest_first, page
from adaf.problem import BadInput

if TYPE_CHECKING:
    from adaf.database import Database


async def entries(
    db: Database,
    *,
    user_id: int | None = None,
    action: str | None = None,
    subject: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Entry]:
    """A page of the log, newest first, by user and by the beginning of the action, or by subject.

    Raises BadInput for a cursor that is not ours, and for a subject together with another filter.
    """
    name, filters = _shape(user_id, action) if subject is None else _of_subject(subject, user_id, action)
    rows = await db.fetch(name, *filters, *newest_first(cursor), limit + 1, type=Entry)
    return page(rows, limit, lambda row: (row.ts, row.id))


def _of_subject(subject: str, user_id: int | None, action: str | None) -> tuple[str, tuple[Any, ...]]:
    if user_id is not None or action is not None:
        raise BadInput("Give `subject` alone, or `user_id` and `action`.")
    return "audit_by_subject", (subject,)


def _shape(user_id: int | None, action: str | None) -> tuple[str, tuple[Any, ...]]:
    pattern = None if action is None else action.replace("_", "\\_") + "%"
    match user_id, pattern:
        case None, None:
            return "audit_recent", ()
        case int(), None:
            return "audit_by_user", (user_id,)
        case None, str():
            return "audit_by_action", (pattern,)
        case _:
            return "audit_by_user_and_action", (user_id, pattern)
