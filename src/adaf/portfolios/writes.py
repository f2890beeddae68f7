"""Recording a trade: one database transaction that takes its locks in one order.

Concurrent trades of one portfolio queue at its row: none deadlocks, none loses an update.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from adaf.audit.writes import record
from adaf.portfolios.models import TradeRequest, Transaction
from adaf.portfolios.trade import Held, Settlement, settle
from adaf.problem import Conflict, NotFound

if TYPE_CHECKING:
    from adaf import database
    from pack2.monitoring import Recorder


class Recorded(msgspec.Struct, frozen=True):
    """A trade; `is_new` is False when it had been recorded before under the same client reference."""

    transaction: Transaction
    is_new: bool


class _Account(msgspec.Struct, frozen=True):
    id: int
    cash: Decimal
    is_archived: bool


class _Asset(msgspec.Struct, frozen=True):
    id: int
    symbol: str
    is_active: bool
    price: Decimal
    ts: datetime


async def record_trade(
    db: database.Database, user_id: int, portfolio_id: int, request: TradeRequest, metrics: Recorder
) -> Recorded:
    """Record `request` at the market's time, the quote being the default price.

    Raises NotFound (portfolio, asset) and Conflict: archived portfolio, asset no longer traded, not enough
    cash or holdings, or a client reference that stands for another trade.
    """
    async with db.transaction() as tx:
        account = await tx.one("trade_lock_portfolio", portfolio_id, user_id, type=_Account)
        if account is None:
            raise NotFound("portfolio")
        if request.client_reference and (
            earlier := await _earlier(tx, portfolio_id, request.client_reference)
        ):
            return Recorded(_same(earlier, request), is_new=False)
        transaction = await _trade(tx, user_id, account, request)
    metrics.add("adaf_trades_total", (request.side,))
    return Recorded(transaction, is_new=True)


async def _trade(
    tx: database.Transaction, user_id: int, account: _Account, request: TradeRequest
) -> Transaction:
    if account.is_archived:
        raise Conflict("This portfolio is archived; trades are recorded in open portfolios.")
    asset = await tx.one("trade_asset", request.symbol, type=_Asset)
    if asset is None:
        raise NotFound("asset")
    if not asset.is_active:
        raise Conflict(f"{asset.symbol} is no longer traded.")
    held = await tx.one("trade_lock_position", account.id, asset.id, type=Held)
    price = asset.price if request.price is None else request.price
    settlement = settle(request.side, request.quantity, price, account.cash, held)
    return await _store(tx, user_id, account, asset, request, price, settlement)


async def _store(
    tx: database.Transaction,
    user_id: int,
    account: _Account,
    asset: _Asset,
    request: TradeRequest,
    price: Decimal,
    settlement: Settlement,
) -> Transaction:
    transaction = await tx.one(
        "trade_insert_transaction",
        account.id,
        asset.id,
        request.side,
        request.quantity,
        price,
        settlement.fee,
        asset.ts,
        request.note,
        request.client_reference,
        type=Transaction,
    )
    assert transaction is not None
    await tx.execute("trade_set_cash", account.id, settlement.cash)
    if settlement.held is None:
        await tx.execute("trade_close_position", account.id, asset.id)
    else:
        after = settlement.held
        await tx.execute(
            "trade_set_position", account.id, asset.id, after.quantity, after.average_cost, asset.ts
        )
    await tx.execute("trade_record_nav", account.id, asset.ts)
    details = {
        "portfolio_id": account.id,
        "symbol": asset.symbol,
        "side": request.side,
        "quantity": str(request.quantity),
    }
    await record(tx, user_id, "transaction.create", f"transaction:{transaction.id}", details)
    return transaction


async def _earlier(tx: database.Transaction, portfolio_id: int, reference: UUID) -> Transaction | None:
    return await tx.one("trade_by_reference", portfolio_id, reference, type=Transaction)


def _same(earlier: Transaction, request: TradeRequest) -> Transaction:
    """`earlier` when it is what `request` asks for; without a price that of the time is meant."""
    price = earlier.price if request.price is None else request.price
    asked = (request.symbol, request.side, request.quantity, price, request.note)
    if asked != (earlier.symbol, earlier.side, earlier.quantity, earlier.price, earlier.note):
        raise Conflict("This `client_reference` stands for another trade; use a new one for each trade.")
    return earlier
