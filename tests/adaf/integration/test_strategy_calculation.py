"""A strategy's exposure by kind, and the metrics of a run, against cases computed by hand."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaf.strategies.calculation import (
    COST_RATIO,
    CURVE_POINTS,
    TooFewBarsError,
    calculate,
    strategy_returns,
)
from adaf.strategies.exposure import BY_KIND, Bars, windows
from adaf.strategies.models import Kind, Metrics

FAST_SLOW = {"fast": 2, "slow": 3}


def bars(*closes: float, reach: float = 1.0) -> Bars:
    close = np.array(closes, dtype=np.float64)
    return Bars(close + reach, close - reach, close)


prices = st.lists(st.floats(1, 1000), min_size=40, max_size=120)


def test_every_kind_is_known() -> None:
    """Each kind that the schema accepts can be calculated."""
    assert set(BY_KIND) == set(get_args(Kind))


@pytest.mark.parametrize(
    ("kind", "closes", "expected"),
    [
        ("momentum", (10, 11, 12, 11, 8), (0, 0, 1, 1, -1)),
        ("momentum", (10, 10, 10), (0, 0, 0)),
        ("mean_reversion", (10, 10, 13), (0, 0, -math.sqrt(2) / 2)),
        ("mean_reversion", (10, 10, 10), (0, 0, 0)),
        ("breakout", (10, 10, 10, 12, 12, 9, 12), (0, 0, 0, 1, 1, 0, 0)),
        ("carry", (10, 10, 10, 10, 10), (0, 0, 0, 1, 1)),
        ("market_making", (10, 10, 11, 10), (0, 0, -0.25, 0.25)),
    ],
)
def test_exposures_by_hand(kind: Kind, closes: tuple[float, ...], expected: tuple[float, ...]) -> None:
    """Exposures with windows of 2 and 3 bars, each bar reaching 1 above and below its close."""
    assert BY_KIND[kind](bars(*closes), FAST_SLOW) == pytest.approx(expected)


def test_carry_halves_at_double_volatility() -> None:
    """At a volatility of 2 % a bar half of the capital is in the asset."""
    closes = [100.0]
    for sign in (1, -1) * 4:
        closes.append(closes[-1] * (1 + 0.02 * sign))
    assert BY_KIND["carry"](bars(*closes), {"fast": 1, "slow": 2})[-1] == pytest.approx(0.5)


@given(st.sampled_from(get_args(Kind)), prices, st.integers(31, 39))
def test_no_kind_looks_ahead(kind: Kind, closes: list[float], cut: int) -> None:
    """An exposure does not change when the bars after it do."""
    whole = BY_KIND[kind](bars(*closes), FAST_SLOW)
    part = BY_KIND[kind](bars(*closes[:cut]), FAST_SLOW)
    assert whole[:cut] == pytest.approx(part, abs=1e-9)


@given(st.sampled_from(get_args(Kind)), prices)
def test_exposure_is_bounded(kind: Kind, closes: list[float]) -> None:
    """No strategy has more than its capital in the asset, on either side, nor anything undefined."""
    exposure = BY_KIND[kind](bars(*closes), {})
    assert len(exposure) == len(closes)
    assert (np.abs(exposure) <= 1).all()


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, (10, 30)),
        ({"fast": 5, "slow": 50}, (5, 50)),
        ({"fast": 50, "slow": 5}, (50, 51)),
        ({"fast": -3, "slow": 10**9}, (1, 500)),
        ({"fast": "5", "slow": None}, (10, 30)),
        ({"fast": True, "slow": math.nan}, (10, 30)),
        ({"fast": 10**9}, (499, 500)),
    ],
)
def test_windows(parameters: dict[str, object], expected: tuple[int, int]) -> None:
    """Windows are 1 ≤ fast < slow ≤ 500, whatever the parameters say."""
    assert windows(parameters) == expected


def test_returns_by_hand() -> None:
    """An exposure earns from the bar after it, and pays for the change that led to it."""
    close = np.array([100.0, 110.0, 99.0, 99.0])
    exposure = np.array([1.0, -0.5, 0.0, 1.0])
    assert strategy_returns(close, exposure) == pytest.approx(
        [0.1 - COST_RATIO, 0.05 - 1.5 * COST_RATIO, -0.5 * COST_RATIO]
    )


def test_no_return_below_everything() -> None:
    """A short position against a price that trebles loses all of its capital and no more."""
    assert strategy_returns(np.array([1.0, 3.0]), np.array([-1.0, 0.0])) == pytest.approx([-1.0])


def _metrics(kind: Kind, closes: list[float]) -> Metrics:
    return calculate(kind, "1d", FAST_SLOW, bars(*closes))


def test_metrics_by_hand() -> None:
    """A rise after the window is full: equity, drawdown, Sharpe and volatility as the formulas give them."""
    close = [10.0, 10.0, 11.0, 12.1, 10.89, 11.979]
    found = _metrics("momentum", close)
    expected = np.array([0.0, 0.0, 0.1 - COST_RATIO, -0.1, 0.1])
    mean, deviation = expected.mean(), expected.std(ddof=1)
    assert found.total_return == pytest.approx(np.prod(1 + expected) - 1)
    assert found.sharpe == pytest.approx(mean / deviation * math.sqrt(365))
    assert found.volatility == pytest.approx(deviation * math.sqrt(365))
    assert found.sortino == pytest.approx(
        mean / math.sqrt((np.minimum(expected, 0) ** 2).mean()) * math.sqrt(365)
    )
    assert found.max_drawdown == pytest.approx(-0.1)
    assert found.annual_return == pytest.approx(np.prod(1 + expected) ** (365 / 5) - 1)
    assert found.equity == pytest.approx(np.cumprod(1 + expected), abs=1e-8)
    assert min(found.drawdown) == pytest.approx(found.max_drawdown, abs=1e-8)
    assert (found.bars, found.trades, found.exposure_ratio) == (6, 2, pytest.approx(4 / 6))


def test_a_still_market_defines_no_ratio() -> None:
    """Without any movement there is no Sharpe or Sortino ratio, and the answer says null, not NaN."""
    found = _metrics("mean_reversion", [10.0] * 20)
    assert (found.sharpe, found.sortino) == (None, None)
    assert (found.total_return, found.max_drawdown, found.trades) == (0.0, 0.0, 0)


def test_too_few_bars() -> None:
    """A window that the bars do not fill is refused with both figures."""
    with pytest.raises(TooFewBarsError, match=r"5 candles of 1d; there are 4"):
        _metrics("carry", [1.0] * 4)


@given(st.sampled_from(get_args(Kind)), prices)
def test_a_run_is_deterministic_and_finite(kind: Kind, closes: list[float]) -> None:
    """The same bars give the same metrics, all finite or null, with drawdowns between −1 and 0."""
    found = _metrics(kind, closes)
    assert found == _metrics(kind, closes)
    assert -1 <= found.max_drawdown <= 0
    assert all(-1 <= point <= 0 for point in found.drawdown)
    assert all(math.isfinite(point) for point in found.equity)


def test_curves_are_thinned() -> None:
    """A long run keeps at most 200 points of its curve, the last one among them."""
    close = [100 + math.sin(n / 5) for n in range(2000)]
    found = _metrics("momentum", close)
    assert len(found.equity) == CURVE_POINTS
    assert found.equity[-1] == pytest.approx(1 + found.total_return, abs=1e-8)
