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
        Size(
            name="tiny", assets=8, days=3, users=60, test_accounts=20, portfolios=90, transactions=2_000,
            strategies=24, return_days=90, runs=80, signals=1_000, alerts=600, notes=80, audit=800,
            reports=20,
        ),
        Size(
            name="small", assets=50, days=28, users=2_000, test_accounts=200, portfolios=4_000,
            transactions=500_000, strategies=400, return_days=730, runs=4_000, signals=200_000,
            alerts=100_000, notes=5_000, audit=200_000, reports=1_000,
        ),
        Size(
            name="medium", assets=100, days=139, users=5_000, test_accounts=500, portfolios=8_000,
            transactions=2_000_000, strategies=1_000, return_days=730, runs=20_000, signals=800_000,
            alerts=400_000, notes=10_000, audit=800_000, reports=5_000,
        ),
        Size(
            name="large", assets=100, days=1_000, users=20_000, test_accounts=2_000, portfolios=20_000,
            transactions=10_000_000, strategies=4_000, return_days=1_460, runs=100_000, signals=4_000_000,
            alerts=2_000_000, notes=20_000, audit=4_000_000, reports=20_000,
        ),
    )
}  # fmt: skip
