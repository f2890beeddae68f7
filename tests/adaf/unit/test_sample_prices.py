"""Simulated bars have the shape of real ones."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
import pytest

from adaf.sample.copy_format import Floats
from adaf.sample.prices import DayBars, daily_bars, minute_rhythm
from adaf.sample.sizes import MINUTES_A_DAY, SIZES
from adaf.sample.universe import Asset, assets

SIZE = msgspec.structs.replace(SIZES["small"], assets=12, days=45)
UNIVERSE = assets(SIZE.assets)


@pytest.fixture(scope="module")
def days() -> list[DayBars]:
    """Forty-five days of twelve assets."""
    return list(daily_bars(SIZE, UNIVERSE, 7))


@pytest.fixture(scope="module")
def hourly_returns(days: list[DayBars]) -> Floats:
    """Log returns by hour, (hours, assets)."""
    closes = np.concatenate([day.close[59::60] for day in days])
    return np.asarray(np.diff(np.log(closes), axis=0))


def test_open_high_low_close_agree(days: list[DayBars]) -> None:
    """Open and close lie between low and high, and every price is above zero."""
    for day in days:
        assert (day.low <= np.minimum(day.open, day.close)).all()
        assert (day.high >= np.maximum(day.open, day.close)).all()
        assert (day.low > 0).all()
        assert (day.volume > 0).all()


def test_a_bar_opens_where_the_last_closed(days: list[DayBars]) -> None:
    """Open is the close of the minute before, over midnight too."""
    for day in days:
        assert (day.open[1:] == day.close[:-1]).all()
    for before, after in pairwise(days):
        assert (after.open[0] == before.close[-1]).all()


def test_volatility_is_that_of_real_bars(hourly_returns: Floats) -> None:
    """The first asset's hourly returns deviate by about 0.97 %, as measured; others' by up to thrice that."""
    deviations = hourly_returns.std(axis=0)
    assert 0.005 < deviations[0] < 0.02
    assert (deviations < 0.03).all()


def test_tails_are_fat(hourly_returns: Floats) -> None:
    """Excess kurtosis of hourly returns is well above a normal distribution's 0 (16 was measured)."""
    standard = (hourly_returns - hourly_returns.mean(axis=0)) / hourly_returns.std(axis=0)
    kurtosis = (standard**4).mean(axis=0) - 3
    assert 1.0 < np.median(kurtosis) < 40


def test_volatility_clusters(hourly_returns: Floats) -> None:
    """Absolute returns remember each other for hours and forget over weeks; returns themselves do not."""
    size = np.abs(hourly_returns)
    assert 0.1 < _autocorrelation(size, 1) < 0.5
    assert _autocorrelation(size, 24) > 0.05
    assert _autocorrelation(size, 336) < _autocorrelation(size, 1)
    assert abs(_autocorrelation(hourly_returns, 1)) < 0.06


def test_assets_move_together(hourly_returns: Floats) -> None:
    """Every pair of assets is correlated, and pairs of one category more than the others."""
    correlation = np.corrcoef(hourly_returns.T)
    same = np.array([[a.category == b.category for a in UNIVERSE] for b in UNIVERSE])
    pairs = ~np.eye(len(UNIVERSE), dtype=bool)
    assert 0.2 < correlation[pairs & ~same].mean() < 0.7
    assert correlation[pairs & same].mean() > correlation[pairs & ~same].mean() + 0.05


def test_volume_has_a_daily_rhythm(days: list[DayBars]) -> None:
    """More is traded at 16 h UTC than at 9 h, and more in minutes that move."""
    volume = np.stack([day.volume for day in days]).mean(axis=0)
    assert volume[16 * 60 : 17 * 60].mean() > 1.5 * volume[9 * 60 : 10 * 60].mean()
    moves = np.abs(np.log(days[0].close / days[0].open))
    assert np.corrcoef(moves[:, 0], days[0].volume[:, 0])[0, 1] > 0.05


def test_the_rhythm_has_mean_one() -> None:
    """The daily rhythm neither adds nor takes volume."""
    assert minute_rhythm().shape == (MINUTES_A_DAY,)
    assert minute_rhythm().mean() == pytest.approx(1)


def test_prices_stay_in_range() -> None:
    """After 500 days no price has left the range that its decimal places suit."""
    size = msgspec.structs.replace(SIZE, assets=3, days=500)
    last = [_prices(day, UNIVERSE[:3]) for day in daily_bars(size, UNIVERSE[:3], 7)][-1]
    first = np.array([asset.first_price for asset in UNIVERSE[:3]])
    assert (np.abs(np.log(last / first)) < np.log(100)).all()


def _prices(day: DayBars, universe: list[Asset]) -> Floats:
    return np.asarray(day.close[-1] / 10.0 ** np.array([asset.price_decimals for asset in universe]))


def _autocorrelation(series: Floats, lag: int) -> float:
    """Mean over the columns."""
    centred = (series - series.mean(axis=0)) / series.std(axis=0)
    return float((centred[lag:] * centred[:-lag]).mean())
