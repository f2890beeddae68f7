"""The whole data set as a stream of batches in loading order: what is written, with no word on where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from adaf.sample import activity, notes, people, strategies
from adaf.sample import copy_format as copy
from adaf.sample.copy_format import Field, Floats, Integers
from adaf.sample.ledger import Ledger, net_asset_values, positions, settle
from adaf.sample.orders import draw_orders
from adaf.sample.prices import DayBars, daily_bars, minutes_of
from adaf.sample.sizes import (
    DAY_MICROSECONDS,
    MARK_MINUTES,
    MARKS_A_DAY,
    MINUTE_MICROSECONDS,
    MINUTES_A_DAY,
    SAMPLE_END_MICROSECONDS,
    Size,
)
from adaf.sample.streams import stream
from adaf.sample.universe import Asset, assets

_NAV_PORTFOLIOS = 1_000  # settled at a time: bounds memory
_NAV_MARKS = 30  # written at a time
_TRANSACTION_ROWS = 100_000


@dataclass(frozen=True)
class Batch:
    """Rows for one table (a partition, for bars), column by column."""

    table: str
    fields: dict[str, Field]

    @property
    def rows(self) -> int:
        return len(next(iter(self.fields.values())))


@dataclass
class _Tape:
    """What the rest of the data needs to remember of the bars: the closes before each mark and the last
    day.
    """

    marks: list[Integers] = field(default_factory=list)
    last: DayBars | None = None

    def record(self, bars: DayBars) -> None:
        if bars.day == 0:
            self.marks.append(bars.open[0])
        self.marks.extend(bars.close[MARK_MINUTES - 1 :: MARK_MINUTES])
        self.last = bars


def batches(size: Size, seed: int) -> Iterator[Batch]:
    """Every row of the data set, the same for the same size and seed."""
    universe = assets(size.assets)
    grid = 10.0 ** np.array([asset.price_decimals for asset in universe])
    orders, tape = draw_orders(size, seed), _Tape()
    yield Batch("assets", _assets(universe, size))
    for bars in daily_bars(size, universe, seed):
        yield Batch(partition_name(bars.start_microseconds), _bars(bars, grid))
        orders.fill(bars)
        tape.record(bars)
    assert tape.last is not None
    yield Batch("quotes", _quotes(tape.last, grid, seed))
    ledger = settle(orders, size, universe, seed)
    yield from _all("users", people.users(size, seed))
    yield from _all("sessions", people.sessions(size, seed))
    yield from _all("portfolios", people.portfolios(size, seed, ledger.cash_cents))
    yield from _all("transactions", _transactions(ledger, universe, seed))
    yield from _all("positions", _positions(ledger, universe))
    yield from _all("portfolio_data", _net_asset_values(ledger, np.array(tape.marks), size))
    yield from _all("strategies", strategies.strategies(size, seed, universe))
    yield from _all("strategy_returns", strategies.strategy_returns(size, seed))
    yield from _all("strategy_runs", strategies.strategy_runs(size, seed))
    yield from _all("signals", strategies.signals(size, seed))
    yield from _all("research_notes", notes.research_notes(size, seed, universe))
    yield from _all("alerts", activity.alerts(size, seed, universe, tape.last.close[-1] / grid))
    yield from _all("reports", activity.reports(size, seed))
    yield from _all("audit_log", activity.audit_log(size, seed))


def expected_rows(size: Size) -> int:
    """About how many rows `batches` yields, for a progress bar."""
    marks = size.portfolios * (size.days * MARKS_A_DAY + 1)
    returns = size.strategies * size.return_days
    events = size.transactions + size.signals + size.alerts + size.audit + size.notes
    return size.bars + marks + returns + events


def partition_name(unix_microseconds: int) -> str:
    """The monthly partition of market_data that holds this moment (UTC)."""
    moment = datetime.fromtimestamp(unix_microseconds / 1e6, UTC)
    return f"market_data_{moment:%Y_%m}"


def _all(table: str, parts: Iterator[dict[str, Field]]) -> Iterator[Batch]:
    for fields in parts:
        yield Batch(table, fields)


def _assets(universe: list[Asset], size: Size) -> dict[str, Field]:
    listed = (
        size.start_microseconds - np.arange(len(universe) * 37, len(universe) * 0, -37) * DAY_MICROSECONDS
    )
    return {
        "id": copy.int4(np.arange(1, len(universe) + 1)),
        "symbol": copy.text([asset.symbol for asset in universe]),
        "name": copy.text([asset.name for asset in universe]),
        "category": copy.text([asset.category for asset in universe]),
        "description": copy.text([
            f"{asset.name} ({asset.symbol}) is of the category {asset.category}; its prices are simulated."
            for asset in universe
        ]),
        "is_active": copy.boolean(np.ones(len(universe), dtype=bool)),
        "listed_at": copy.timestamptz(listed),
    }  # fmt: skip


def _bars(bars: DayBars, grid: Floats) -> dict[str, Field]:
    """Minute-major, as ingestion writes them: one batch of all assets a minute."""
    count = bars.close.shape[1]
    prices = {
        name: copy.float8((getattr(bars, name) / grid).reshape(-1))
        for name in ("open", "high", "low", "close")
    }
    return {
        "asset_id": copy.int4(np.tile(np.arange(1, count + 1), MINUTES_A_DAY)),
        "ts": copy.timestamptz(np.repeat(minutes_of(bars), count)),
        **prices,
        "volume": copy.float8(bars.volume.reshape(-1)),
    }


def _quotes(last: DayBars, grid: Floats, seed: int) -> dict[str, Field]:
    """Known at the last bar's end: its close; a day ago is the close of the bar that ended 24 h before."""
    count = last.close.shape[1]
    spread = np.maximum(
        np.rint(last.close[-1] * stream(seed, "quotes").uniform(1e-4, 8e-4, count)), 1
    ).astype(np.int64)
    return {
        "asset_id": copy.int4(np.arange(1, count + 1)),
        "ts": copy.timestamptz(np.full(count, SAMPLE_END_MICROSECONDS)),
        "price": copy.float8(last.close[-1] / grid),
        "bid": copy.float8((last.close[-1] - spread) / grid),
        "ask": copy.float8((last.close[-1] + spread) / grid),
        "volume_24h": copy.float8(np.round(last.volume.sum(axis=0), 4)),
        "price_24h_ago": copy.float8(last.open[0] / grid),
    }


def _transactions(ledger: Ledger, universe: list[Asset], seed: int) -> Iterator[dict[str, Field]]:
    quantity_scale, price_scale = _scales(universe)
    rng = stream(seed, "transactions", 1)
    for first in range(0, len(ledger.asset), _TRANSACTION_ROWS):
        part = slice(first, first + _TRANSACTION_ROWS)
        asset = ledger.asset[part]
        noted, by_client = rng.random((2, len(asset)))
        yield {
            "id": copy.int8(np.arange(first + 1, first + len(asset) + 1)),
            "portfolio_id": copy.int8(ledger.portfolio[part] + 1),
            "asset_id": copy.int4(asset + 1),
            "side": copy.choice(ledger.is_sell[part].astype(int), ("buy", "sell")),
            "quantity": copy.numeric(ledger.quantity[part] * quantity_scale[asset], scale=8),
            "price": copy.numeric(ledger.price[part] * price_scale[asset], scale=8),
            "fee": copy.numeric(ledger.fee_cents[part], scale=2),
            "executed_at": copy.timestamptz(ledger.executed_microseconds[part]),
            "note": copy.text([_NOTES.get(int(chance * 40)) for chance in noted.tolist()]),
            "client_reference": copy.uuid(
                rng.integers(0, 256, (len(asset), 16), np.uint8), by_client > _BY_CLIENT
            ),
        }


_BY_CLIENT = 0.2  # share of trades that a client recorded under a key of its own
_NOTES = {0: "rebalancing", 1: "regular savings plan"}


def _positions(ledger: Ledger, universe: list[Asset]) -> Iterator[dict[str, Field]]:
    held = positions(ledger, len(universe))
    quantity_scale, _ = _scales(universe)
    yield {
        "portfolio_id": copy.int8(held.portfolio + 1),
        "asset_id": copy.int4(held.asset + 1),
        "quantity": copy.numeric(held.quantity * quantity_scale[held.asset], scale=8),
        "average_cost": copy.numeric(held.average_cost, scale=8),
        "updated_at": copy.timestamptz(held.updated_microseconds),
    }


def _scales(universe: list[Asset]) -> tuple[Integers, Integers]:
    """What brings an asset's quantities, and its prices, to 8 decimal places."""
    places = np.array([asset.price_decimals for asset in universe])
    return 10**places, 10 ** (8 - places)


def _net_asset_values(ledger: Ledger, mark_prices: Integers, size: Size) -> Iterator[dict[str, Field]]:
    """By time, as the job that strikes them writes them: all portfolios every eight hours."""
    marks = size.days * MARKS_A_DAY + 1
    parts = [
        net_asset_values(
            ledger, mark_prices, size, first=first, last=min(first + _NAV_PORTFOLIOS, size.portfolios)
        )
        for first in range(0, size.portfolios, _NAV_PORTFOLIOS)
    ]
    nav, cash = (
        np.concatenate([getattr(part, name) for part in parts]).T for name in ("nav_cents", "cash_cents")
    )
    for first in range(0, marks, _NAV_MARKS):
        last = min(first + _NAV_MARKS, marks)
        moments = size.start_microseconds + np.arange(first, last) * MARK_MINUTES * MINUTE_MICROSECONDS
        yield {
            "portfolio_id": copy.int8(np.tile(np.arange(1, size.portfolios + 1), last - first)),
            "ts": copy.timestamptz(np.repeat(moments, size.portfolios)),
            "nav": copy.numeric(nav[first:last].reshape(-1), scale=2),
            "cash": copy.numeric(cash[first:last].reshape(-1), scale=2),
        }
