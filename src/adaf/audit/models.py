"""The values of the audit route."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Entry(msgspec.Struct, frozen=True):
    """One recorded action; `user_id` and `email` are null for what the system did."""

    id: int
    user_id: int | None
    email: str | None
    ts: datetime
    action: str
    subject: str
    details: dict[str, Any]
