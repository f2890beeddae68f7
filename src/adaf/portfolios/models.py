"""The values of the portfolio routes.

Money and quantities are decimals (JSON strings), ratios are floats (0.1 is 10 %).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

Side = Literal["buy", "sell"]

LARGEST_AMOUNT = Decimal(10) ** 12


class Portfolio(msgspec.Struct, frozen=True):
    """A portfolio with its newest net asset value; `nav` is null before the first one was struck."""

    id: int
    name: str
    base_currency: str
    cash: Decimal
    is_archived: bool
    created_at: datetime
    nav: Decimal | None
    nav_at: datetime | None
    position_count: int


class Position(msgspec.Struct, frozen=True):
    """A holding at the latest quote. `profit` is unrealised, by average cost, before fees."""

    symbol: str
    name: str
    category: str
    quantity: Decimal
    average_cost: Decimal
    price: Decimal
    value: Decimal
    cost: Decimal
    profit: Decimal
    profit_ratio: float | None
    change_24h_ratio: float | None
    updated_at: datetime


class Holding(msgspec.Struct, frozen=True):
    """One of the largest holdings; `share_ratio` is of all holdings, without cash."""

    symbol: str
    name: str
    value: Decimal
    share_ratio: float | None


class AllocationPart(msgspec.Struct, frozen=True):
    """A category's part of the portfolio; cash is a category of its own."""

    category: str
    value: Decimal
    share_ratio: float
    position_count: int


class PerformancePoint(msgspec.Struct, frozen=True):
    """The last net asset value of a day (UTC); `drawdown` is ≤ 0, against the highest value in the window."""

    day: date
    nav: Decimal
    cash: Decimal
    daily_return: float | None
    cumulative_return: float | None
    drawdown: float | None


class Transaction(msgspec.Struct, frozen=True):
    """One trade as recorded."""

    id: int
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    executed_at: datetime
    note: str | None
    client_reference: UUID | None


class OwnedTransaction(msgspec.Struct, frozen=True):
    """A trade in one of a user's portfolios."""

    id: int
    portfolio_id: int
    portfolio: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    executed_at: datetime


class Month(msgspec.Struct, frozen=True):
    """What was traded in a calendar month (UTC); `month` is its first day."""

    month: date
    transaction_count: int
    bought: Decimal
    sold: Decimal
    fees: Decimal
    asset_count: int


class FeesPaid(msgspec.Struct, frozen=True):
    """Fees by side; `fee_ratio` is of the traded value."""

    side: Side
    transaction_count: int
    fees: Decimal
    fee_ratio: float


class Realised(msgspec.Struct, frozen=True):
    """Profit realised by sales of an asset, by the average-cost method, before `fees`."""

    symbol: str
    sold_quantity: Decimal
    proceeds: Decimal
    realised: Decimal
    fees: Decimal


class TradeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A trade to record; its price defaults to the latest quote.

    With `client_reference` the request may be repeated: the trade is recorded once.
    """

    symbol: Annotated[str, Meta(pattern="^[A-Z0-9]{1,16}$", description="An asset's symbol, such as BTC.")]
    side: Side
    quantity: Annotated[Decimal, Meta(description="Above 0, at most 8 decimal places.")]
    price: Annotated[
        Decimal | None, Meta(description="Above 0, at most 8 decimal places; null: the latest quote.")
    ] = None
    note: Annotated[str, Meta(max_length=500)] | None = None
    client_reference: Annotated[UUID | None, Meta(description="The client's own key for this trade.")] = None

    def __post_init__(self) -> None:
        _check_amount("quantity", self.quantity)
        if self.price is not None:
            _check_amount("price", self.price)


def _check_amount(name: str, amount: Decimal) -> None:
    if not amount.is_finite() or not 0 < amount <= LARGEST_AMOUNT or int(amount.as_tuple().exponent) < -8:
        raise ValueError(
            f"`{name}` is a number above 0, at most {LARGEST_AMOUNT:,}, with at most 8 decimal places"
        )
