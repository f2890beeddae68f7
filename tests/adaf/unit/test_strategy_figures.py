"""A strategy's figures: what they are of known curves."""

from __future__ import annotations

import math
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaf.strategies.figures import cumulative, drawdowns, figures

returns = st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=40)


def test_returns_compound():
    """Ten percent twice are twenty-one; what is gone does not come back."""
    assert cumulative([0.1, 0.1]) == pytest.approx([0.1, 0.21])
    assert cumulative([-1.5, 0.5]) == [-1, -1]


def test_a_fall_is_measured_from_the_highest_before_it():
    """Also a fall on the first day, from the capital that the window began with."""
    assert drawdowns([-0.1, 0.2, 0.08]) == pytest.approx([-0.1, 0, -0.1])


@given(returns)
def test_figures_follow_from_the_daily_returns(daily):
    """Sharpe ratio and volatility are those of the daily returns, a year of 365 days."""
    found = figures(cumulative(daily))
    assert found.total_return == pytest.approx(math.prod(1 + value for value in daily) - 1)
    assert found.volatility == pytest.approx(stdev(daily) * math.sqrt(365), abs=1e-9)
    assert -1 <= found.max_drawdown <= 0
    if stdev(daily) > 1e-6:
        assert found.sharpe == pytest.approx(fmean(daily) / stdev(daily) * math.sqrt(365), rel=1e-6, abs=1e-6)


def test_a_year_is_annual_and_too_few_days_define_nothing():
    """365 days at one rate: the yearly return is the total one; one day has neither spread nor year."""
    year = figures(cumulative([0.001] * 365))
    assert year.annual_return == pytest.approx(year.total_return)
    assert figures([0.05]).annual_return is figures([0.05]).sharpe is None
    assert figures([]).total_return is None
