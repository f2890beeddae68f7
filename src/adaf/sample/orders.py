"""Who trades what and when, drawn before any price is known: the day's bars then give each order its price.

Two passes keep memory small at every size: bars stream by day and are never held whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adaf.sample.copy_format import Booleans, Floats, Integers
from adaf.sample.people import NAMED_PORTFOLIOS
from adaf.sample.prices import DayBars
from adaf.sample.sizes import MARK_MINUTES, MINUTES_A_DAY, Size
from adaf.sample.streams import stream, zipf_weights

_SECOND_MICROSECONDS = 1_000_000
WATCHED_ASSETS = 8  # what one portfolio trades


@dataclass
class Orders:
    """Orders by time; `price` (integers of 10**-price_decimals) is filled day by day."""

    portfolio: Integers  # index from 0
    asset: Integers  # index from 0
    minute: Integers  # since the data's start
    executed_microseconds: Integers
    is_opening: Booleans  # the portfolio's first buy of this asset
    chance: Floats  # one uniform draw each for side, size and place within the bar: (n, 3)
    price: Integers

    def fill(self, bars: DayBars) -> None:
        """Give the orders of this day a price between their bar's low and high."""
        first, last = np.searchsorted(self.minute, (bars.day * MINUTES_A_DAY, (bars.day + 1) * MINUTES_A_DAY))
        part = slice(int(first), int(last))
        place = self.minute[part] % MINUTES_A_DAY, self.asset[part]
        low, high = bars.low[place], bars.high[place]
        self.price[part] = low + np.floor(self.chance[part, 2] * (high - low + 1)).astype(np.int64)


def draw_orders(size: Size, seed: int) -> Orders:
    """About `size.transactions` orders: each portfolio opens its positions on the first day, then trades at
    random.
    """
    rng = stream(seed, "transactions")
    watched = _watched(size, rng)
    opening_portfolio = np.repeat(np.arange(size.portfolios), watched.shape[1])
    later = max(size.transactions - len(opening_portfolio), 0)
    later_portfolio = rng.choice(size.portfolios, later, p=_activity(size, rng))
    later_asset = watched[later_portfolio, _skewed(rng, later, watched.shape[1])]
    portfolio = np.concatenate([opening_portfolio, later_portfolio])
    asset = np.concatenate([watched.reshape(-1), later_asset])
    minute = np.concatenate([
        rng.integers(0, MARK_MINUTES, len(opening_portfolio)),
        rng.integers(MARK_MINUTES, size.days * MINUTES_A_DAY, later),
    ])  # fmt: skip
    offset = rng.integers(0, 60 * _SECOND_MICROSECONDS, len(minute))
    executed = size.start_microseconds + minute * 60 * _SECOND_MICROSECONDS + offset
    order = np.argsort(executed, kind="stable")
    is_opening = order < len(opening_portfolio)
    chance = rng.random((len(order), 3))
    return Orders(
        portfolio[order],
        asset[order],
        minute[order],
        executed[order],
        is_opening,
        chance,
        np.zeros(len(order), np.int64),
    )


def _watched(size: Size, rng: np.random.Generator) -> Integers:
    """(portfolios, ≤ 8) distinct assets each, popular ones more often: Gumbel top-k is weighted drawing
    without return.
    """
    weights = np.log(zipf_weights(size.assets, 0.9, 2.0))
    keys = weights + rng.gumbel(size=(size.portfolios, size.assets))
    return np.argsort(-keys, axis=1)[:, : min(WATCHED_ASSETS, size.assets)].astype(np.int64)


def _activity(size: Size, rng: np.random.Generator) -> Floats:
    """Zipf over portfolios in random order; the named users' portfolios are always among the busiest."""
    weights = zipf_weights(size.portfolios, 0.7, 5.0)
    busy = weights[:NAMED_PORTFOLIOS].copy()
    rest = rng.permutation(weights[NAMED_PORTFOLIOS:])
    return np.concatenate([busy, rest])


def _skewed(rng: np.random.Generator, count: int, choices: int) -> Integers:
    return rng.choice(choices, count, p=zipf_weights(choices, 0.5)).astype(np.int64)
