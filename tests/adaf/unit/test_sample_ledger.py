"""The ledger adds up: cash, holdings, average cost and net asset values, recomputed another way in exact
decimals.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest

from adaf.sample.copy_format import Integers
from adaf.sample.ledger import Ledger, net_asset_values, positions, settle
from adaf.sample.orders import Orders, draw_orders
from adaf.sample.prices import DayBars, daily_bars
from adaf.sample.sizes import MARK_MINUTES, MINUTES_A_DAY, SIZES
from adaf.sample.universe import assets

SIZE = SIZES["tiny"]
UNIVERSE = assets(SIZE.assets)
CENT, EIGHT_PLACES = Decimal("0.01"), Decimal("0.00000001")


@dataclass
class World:
    """A ledger and everything that it was made from."""

    days: list[DayBars]
    orders: Orders
    ledger: Ledger


@pytest.fixture(scope="module")
def world() -> World:
    """The smallest sample, settled."""
    days, orders = list(daily_bars(SIZE, UNIVERSE, 7)), draw_orders(SIZE, 7)
    for day in days:
        orders.fill(day)
    return World(days, orders, settle(orders, SIZE, UNIVERSE, 7))


@dataclass
class Account:
    """One portfolio, kept by the book in decimals."""

    cash: Decimal
    held: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    average: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


def _price(price: int, asset: int) -> Decimal:
    return Decimal(price).scaleb(-UNIVERSE[asset].price_decimals)


def _quantity(quantity: int, asset: int) -> Decimal:
    return Decimal(quantity).scaleb(UNIVERSE[asset].price_decimals - 8)


def _replay(ledger: Ledger, until_minute: int = 10**9) -> list[Account]:
    """Every portfolio after the transactions before `until_minute`; no step may overdraw cash or holdings."""
    accounts = [Account(Decimal(cents).scaleb(-2)) for cents in ledger.deposit_cents.tolist()]
    for row in np.flatnonzero(ledger.minute < until_minute).tolist():
        account, asset = accounts[ledger.portfolio[row]], int(ledger.asset[row])
        quantity, price = _quantity(int(ledger.quantity[row]), asset), _price(int(ledger.price[row]), asset)
        amount = (quantity * price).quantize(CENT, ROUND_HALF_UP)
        fee, held = Decimal(int(ledger.fee_cents[row])).scaleb(-2), account.held[asset]
        if ledger.is_sell[row]:
            account.cash += amount - fee
            account.held[asset] = held - quantity
        else:
            account.cash -= amount + fee
            cost = held * account.average[asset] + quantity * price
            account.average[asset] = (cost / (held + quantity)).quantize(EIGHT_PLACES, ROUND_HALF_UP)
            account.held[asset] = held + quantity
        assert account.cash >= 0
        assert account.held[asset] >= 0
    return accounts


def test_cash_is_the_deposit_less_buys_and_fees_plus_sales(world: World) -> None:
    """No portfolio ever owes money or sells what it lacks, and each ends with the cash that the book says."""
    accounts = _replay(world.ledger)
    assert [account.cash for account in accounts] == [
        Decimal(cents).scaleb(-2) for cents in world.ledger.cash_cents.tolist()
    ]


def test_positions_are_what_the_transactions_leave(world: World) -> None:
    """Quantity and average cost of every position, and no position that was sold out."""
    accounts, held = _replay(world.ledger), positions(world.ledger, SIZE.assets)
    expected = {
        (number, asset): (quantity, account.average[asset])
        for number, account in enumerate(accounts)
        for asset, quantity in account.held.items()
        if quantity
    }
    found = {
        (int(portfolio), int(asset)): (_quantity(int(quantity), int(asset)), Decimal(int(cost)).scaleb(-8))
        for portfolio, asset, quantity, cost in zip(
            held.portfolio, held.asset, held.quantity, held.average_cost, strict=True
        )
    }
    assert found == expected


def test_trades_are_at_the_markets_price(world: World) -> None:
    """Each price lies between low and high of its minute's bar, and each time within that minute."""
    low, high = (np.concatenate([getattr(day, name) for day in world.days]) for name in ("low", "high"))
    place = world.ledger.minute, world.ledger.asset
    assert (low[place] <= world.ledger.price).all()
    assert (world.ledger.price <= high[place]).all()
    since_start = world.ledger.executed_microseconds - SIZE.start_microseconds
    assert (since_start // 60_000_000 == world.ledger.minute).all()


def test_trades_are_in_order_of_time(world: World) -> None:
    """Transactions are written as they happened."""
    assert (np.diff(world.ledger.executed_microseconds) >= 0).all()


def test_both_sides_are_traded(world: World) -> None:
    """There are buys and sales, and every portfolio opens with a buy."""
    assert 0.1 < world.ledger.is_sell.mean() < 0.6
    _, first = np.unique(world.ledger.portfolio, return_index=True)
    assert len(first) == SIZE.portfolios
    assert not world.ledger.is_sell[first].any()


@pytest.mark.parametrize("mark", [0, 1, 4, SIZE.days * 3])
def test_net_asset_value_is_cash_and_positions_at_the_prices_of_that_time(world: World, mark: int) -> None:
    """NAV = cash + positions at the close before the mark, to the cent; the first mark is the deposit
    alone.
    """
    minute = mark * MARK_MINUTES
    closes = np.concatenate([day.close for day in world.days])
    values = net_asset_values(world.ledger, _mark_prices(world), SIZE, first=0, last=SIZE.portfolios)
    for number, account in enumerate(_replay(world.ledger, minute)):
        worth = sum(
            (
                quantity * _price(int(closes[minute - 1, asset]), asset)
                for asset, quantity in account.held.items()
            ),
            Decimal(0),
        )
        nav = (worth.quantize(CENT, ROUND_HALF_UP) + account.cash).scaleb(2)
        assert (values.nav_cents[number, mark], values.cash_cents[number, mark]) == (
            nav,
            account.cash.scaleb(2),
        )


def test_net_asset_values_do_not_depend_on_how_they_are_divided(world: World) -> None:
    """Settled in parts, the values are those of the whole."""
    prices = _mark_prices(world)
    whole = net_asset_values(world.ledger, prices, SIZE, first=0, last=SIZE.portfolios)
    part = net_asset_values(world.ledger, prices, SIZE, first=30, last=50)
    assert (part.nav_cents == whole.nav_cents[30:50]).all()
    assert (part.cash_cents == whole.cash_cents[30:50]).all()


def _mark_prices(world: World) -> Integers:
    closes = np.concatenate([day.close for day in world.days])
    return np.vstack([world.days[0].open[:1], closes[MARK_MINUTES - 1 :: MARK_MINUTES]])


def test_the_named_users_are_busy(world: World) -> None:
    """The first portfolios, which the named users own, trade more than most."""
    counts = np.bincount(world.ledger.portfolio, minlength=SIZE.portfolios)
    assert counts[:6].min() >= np.median(counts[6:])


def test_orders_watch_distinct_assets() -> None:
    """A portfolio opens each of its assets once, on the first day."""
    orders = draw_orders(SIZE, 7)
    opened = np.stack([orders.portfolio[orders.is_opening], orders.asset[orders.is_opening]], axis=1)
    assert len(np.unique(opened, axis=0)) == len(opened)
    assert (orders.minute[orders.is_opening] < MINUTES_A_DAY).all()
