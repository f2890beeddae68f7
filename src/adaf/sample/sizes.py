"""The sizes of the sample data and its fixed end: the data never depends on the day it is made."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

SAMPLE_END = datetime(
    2026, 10, 2, tzinfo=UTC
)  # the first days of a month: even the smallest data crosses two partitions
SAMPLE_END_MICROSECONDS = int(SAMPLE_END.timestamp()) * 1_000_000
MINUTES_A_DAY = 1440
MINUTE_MICROSECONDS = 60_000_000
DAY_MICROSECONDS = MINUTES_A_DAY * MINUTE_MICROSECONDS
MARK_MINUTES = 480  # net asset values are struck every eight hours
MARKS_A_DAY = MINUTES_A_DAY // MARK_MINUTES


class Size(msgspec.Struct, frozen=True):
    """How many rows each table gets."""

    name: str
    assets: int
    days: int
    users: int
    test_accounts: int
    portfolios: int
    transactions: int
    strategies: int
    return_days: int
    runs: int
    signals: int
    alerts: int
    notes: int
    audit: int
    reports: int

    @property
    def bars(self) -> int:
        return self.assets * self.days * MINUTES_A_DAY

    @property
    def start_microseconds(self) -> int:
        return SAMPLE_END_MICROSECONDS - self.days * DAY_MICROSECONDS


SIZES = {
    size.name: size
    for size in (
        Size("tiny", 8, 3, 60, 20, 90, 2_000, 24, 90, 80, 1_000, 600, 80, 800, 20),
        Size("small", 50, 28, 2_000, 200, 4_000, 500_000, 400, 730, 4_000, 200_000, 100_000, 5_000, 200_000, 1_000),
        Size("medium", 100, 139, 5_000, 500, 10_000, 2_000_000, 1_000, 730, 20_000, 800_000, 400_000, 10_000, 1_000_000, 5_000),
        Size("large", 100, 1_000, 20_000, 2_000, 40_000, 10_000_000, 4_000, 1_460, 100_000, 4_000_000, 2_000_000, 20_000,
             5_000_000, 20_000),
    )
}  # fmt: skip
