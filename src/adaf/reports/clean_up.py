"""What time does to reports: files go after some days, and reports whose job was lost end as failed."""

from __future__ import annotations

import msgspec

from adaf.database import Database
from adaf.settings import Settings


class Cleaned(msgspec.Struct, frozen=True):
    """`files` that were deleted, reports that were `ended`."""

    files: int
    ended: int


async def clean_up(url: str, days: int) -> Cleaned:
    """Delete files older than `days`; end what has waited an hour without a job."""
    db = Database(Settings(database_url=url, pool_connections=1))
    try:
        async with db.transaction() as tx:
            files = await tx.execute("report_clean_files", days)
            ended = await tx.execute("report_fail_abandoned")
    finally:
        await db.stop()
    return Cleaned(files=int(files.split()[-1]), ended=int(ended.split()[-1]))
