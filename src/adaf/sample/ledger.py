"""Settles the orders into transactions, cash, positions and net asset values: in integers, so that
everything adds up.

The cent rule: a trade's amount is quantity × price rounded half up to the cent; cash moves by amount and
fee. A net asset value is cash plus the sum of quantity × price over the positions, rounded half up to the
cent once, at the close of the last whole minute before its time. Average cost (fees left out): after a buy
(held × average + bought × price) / (held + bought), rounded half up to 8 places; a sale leaves it as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adaf.sample.copy_format import Booleans, Integers
from adaf.sample.orders import Orders
from adaf.sample.sizes import MARK_MINUTES, MARKS_A_DAY, Size
from adaf.sample.streams import stream
from adaf.sample.universe import Asset

SCALE = 100_000_000  # quantity × price is in units of 1e-8 dollars
CENT = SCALE // 100
FEE_PER_MILLE = 1
_LEAST_CENTS = 1_000
_DEPOSITS_DOLLARS = (10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000)
_DEPOSIT_WEIGHTS = (0.28, 0.24, 0.2, 0.14, 0.08, 0.04, 0.02)


@dataclass(frozen=True)
class Ledger:
    """Transactions by time (arrays of one length) and what they leave: quantities are integers of the
    asset's own places.
    """

    portfolio: Integers
    asset: Integers
    executed_microseconds: Integers
    minute: Integers
    is_sell: Booleans
    quantity: Integers
    price: Integers
    fee_cents: Integers
    held_after: Integers
    average_after: Integers  # scaled by 1e8
    cash_after_cents: Integers
    deposit_cents: Integers  # a portfolio
    cash_cents: Integers  # a portfolio, at the end


def settle(orders: Orders, size: Size, universe: list[Asset], seed: int) -> Ledger:
    """Turn orders into transactions that the portfolio can pay or deliver; those that it can not are
    dropped.
    """
    deposits = _deposits(size, seed)
    cash: list[int] = deposits.tolist()
    held: dict[int, tuple[int, int]] = {}
    rows: list[tuple[int, ...]] = []
    price_scale = [10 ** (8 - asset.price_decimals) for asset in universe]
    columns = (
        orders.portfolio,
        orders.asset,
        orders.price,
        orders.is_opening,
        orders.chance[:, 0],
        orders.chance[:, 1],
    )
    assets = len(universe)
    for number, (portfolio, asset, price, opening, side, share) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        position = portfolio * assets + asset
        quantity, average = held.get(position, (0, 0))
        funds = cash[portfolio]
        if opening:
            budget = int(funds * (0.08 + 0.12 * share))
            selling = False
        else:
            budget = int(funds * (0.02 + 0.2 * share**2))
            selling = quantity > 0 and (side < 0.48 or budget < _LEAST_CENTS)
        if selling:
            traded = quantity if share > 0.97 else max(int(quantity * (0.05 + 0.5 * share)), 1)
            amount = (traded * price + CENT // 2) // CENT
            fee = -(-amount * FEE_PER_MILLE // 1000)
            if amount <= fee:
                continue
            funds += amount - fee
            quantity -= traded
        else:
            traded = budget * CENT // price
            amount = (traded * price + CENT // 2) // CENT
            fee = -(-amount * FEE_PER_MILLE // 1000)
            if budget < _LEAST_CENTS or traded == 0 or amount + fee > funds:
                continue
            funds -= amount + fee
            quantity += traded
            numerator = (quantity - traded) * average + traded * price * price_scale[asset]
            average = (2 * numerator + quantity) // (2 * quantity)
        cash[portfolio] = funds
        held[position] = (quantity, average)
        rows.append((number, selling, traded, fee, quantity, average, funds))
    table = np.array(rows, dtype=np.int64).reshape(-1, 7)
    kept = table[:, 0]
    return Ledger(
        portfolio=orders.portfolio[kept],
        asset=orders.asset[kept],
        executed_microseconds=orders.executed_microseconds[kept],
        minute=orders.minute[kept],
        is_sell=table[:, 1].astype(bool),
        quantity=table[:, 2],
        price=orders.price[kept],
        fee_cents=table[:, 3],
        held_after=table[:, 4],
        average_after=table[:, 5],
        cash_after_cents=table[:, 6],
        deposit_cents=deposits,
        cash_cents=np.array(cash, dtype=np.int64),
    )


@dataclass(frozen=True)
class Positions:
    """What is held at the end, by portfolio and asset; sold-out positions are left out."""

    portfolio: Integers
    asset: Integers
    quantity: Integers
    average_cost: Integers  # scaled by 1e8
    updated_microseconds: Integers


def positions(ledger: Ledger, assets: int) -> Positions:
    last = _last_of_each(ledger.portfolio * assets + ledger.asset)
    last = last[ledger.held_after[last] > 0]
    return Positions(
        ledger.portfolio[last],
        ledger.asset[last],
        ledger.held_after[last],
        ledger.average_after[last],
        ledger.executed_microseconds[last],
    )


@dataclass(frozen=True)
class NetAssetValues:
    """(portfolios, marks) in cents. Mark m lies m × 8 hours after the start; mark 0 is the deposit alone."""

    nav_cents: Integers
    cash_cents: Integers


def net_asset_values(
    ledger: Ledger, mark_prices: Integers, size: Size, *, first: int, last: int
) -> NetAssetValues:
    """Of portfolios `first` ≤ index < `last`; `mark_prices`: (marks, assets), the close before each mark."""
    marks = size.days * MARKS_A_DAY + 1
    chosen = np.flatnonzero((ledger.portfolio >= first) & (ledger.portfolio < last))
    portfolio = ledger.portfolio[chosen] - first
    mark = ledger.minute[chosen] // MARK_MINUTES + 1  # a trade counts at the next mark
    cash = _as_of(portfolio, mark, ledger.cash_after_cents[chosen], last - first, marks)
    cash = np.where(cash < 0, ledger.deposit_cents[first:last, None], cash)
    pair = portfolio * size.assets + ledger.asset[chosen]
    pairs, pair_index = np.unique(pair, return_inverse=True)
    held = np.maximum(_as_of(pair_index, mark, ledger.held_after[chosen], len(pairs), marks), 0)
    value = held * mark_prices.T[pairs % size.assets]
    total = np.zeros((last - first, marks), dtype=np.int64)
    np.add.at(total, pairs // size.assets, value)
    return NetAssetValues((total + CENT // 2) // CENT + cash, cash)


def _as_of(group: Integers, mark: Integers, value: Integers, groups: int, marks: int) -> Integers:
    """(groups, marks): the last value at or before each mark, −1 before the first. Rows come by time."""
    latest: npt.NDArray[np.int64] = np.full((groups, marks), -1, dtype=np.int64)
    last = _last_of_each(group * marks + mark)
    row = np.full((groups, marks), -1, dtype=np.int64)
    row[group[last], mark[last]] = last
    np.maximum.accumulate(row, axis=1, out=row)
    known = row >= 0
    latest[known] = value[row[known]]
    return latest


def _last_of_each(key: Integers) -> Integers:
    """The index of the last row of each key, ordered by key."""
    order = np.argsort(key, kind="stable")
    ends = np.flatnonzero(np.append(key[order][1:] != key[order][:-1], True)) if len(key) else order
    return order[ends]


def _deposits(size: Size, seed: int) -> Integers:
    rng = stream(seed, "portfolios", 1)
    dollars = rng.choice(_DEPOSITS_DOLLARS, size.portfolios, p=_DEPOSIT_WEIGHTS)
    dollars[:6] = (250_000, 1_000_000, 500_000, 100_000, 250_000, 100_000)
    return (dollars * 100).astype(np.int64)
