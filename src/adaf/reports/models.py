"""The values of the report routes, and what a report is made of."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Kind = Literal["statement", "performance", "transactions"]
Format = Literal["pdf", "csv"]
Status = Literal["queued", "running", "done", "failed"]

MOST_DAYS = 1100
DEFAULT_DAYS = 30
MOST_BYTES = 8 * 1024 * 1024
MOST_TRANSACTIONS = 20_000


class ReportRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to report on: days from `since` to `until`, both included (UTC)."""

    portfolio_id: Annotated[int, Meta(ge=1, le=2**63 - 1, description="One of the user's portfolios.")]
    kind: Kind = "statement"
    format: Format = "pdf"
    since: Annotated[date | None, Meta(description="First day; null: 30 days with the last one.")] = None
    until: Annotated[date | None, Meta(description="Last day; null: the market's last day.")] = None


class Report(msgspec.Struct, frozen=True):
    """A report and how far it is; `file_bytes` is null before it is done and after its file is gone."""

    id: int
    kind: Kind
    format: Format
    portfolio_id: int
    portfolio: str
    since: date
    until: date
    status: Status
    progress_percent: int
    error: str | None
    created_at: datetime
    finished_at: datetime | None
    file_bytes: int | None


class File(msgspec.Struct, frozen=True):
    """A finished report as it is sent."""

    content: bytes
    name: str
    media_type: str


class Order(msgspec.Struct, frozen=True):
    """What the worker is to make."""

    id: int
    owner_id: int
    kind: Kind
    format: Format
    portfolio_id: int
    since: date
    until: date


class Account(msgspec.Struct, frozen=True):
    """Whose portfolio it is, and when its closing value was struck; `closed_at` is null without any value."""

    owner: str
    portfolio: str
    currency: str
    closed_at: datetime | None
    cash: Decimal | None
    nav: Decimal | None


class Holding(msgspec.Struct, frozen=True):
    """A position as it stood when the closing value was struck."""

    symbol: str
    name: str
    category: str
    quantity: Decimal
    price: Decimal
    value: Decimal


class DayValue(msgspec.Struct, frozen=True):
    """The last net asset value of a day."""

    day: date
    nav: Decimal
    cash: Decimal


class Trade(msgspec.Struct, frozen=True):
    """A transaction of the period."""

    executed_at: datetime
    side: Literal["buy", "sell"]
    symbol: str
    quantity: Decimal
    price: Decimal
    value: Decimal
    fee: Decimal
    note: str | None


class Content(msgspec.Struct, frozen=True):
    """All that a report may show; what its kind does not need is empty. `clock` is the market's time."""

    order: Order
    account: Account
    clock: datetime
    holdings: list[Holding]
    days: list[DayValue]
    trades: list[Trade]
