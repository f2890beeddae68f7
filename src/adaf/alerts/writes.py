"""Marking alerts as read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adaf.problem import NotFound

if TYPE_CHECKING:
    from adaf.database import Database


async def mark_read(db: Database, user_id: int, alert_id: int) -> None:
    """Mark one of the user's alerts as read; once more changes nothing. Raises NotFound."""
    if await db.value("alert_mark_read", alert_id, user_id) is None:
        raise NotFound("alert")
