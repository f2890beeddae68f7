"""Recording what a user changed, in the transaction that changes it: neither exists without the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adaf.database import Transaction


async def record(tx: Transaction, user_id: int, action: str, subject: str, details: dict[str, Any]) -> None:
    """Append to the log; `action` is `room.verb`, `subject` is `kind:id`."""
    await tx.execute("audit_record", user_id, action, subject, details)
