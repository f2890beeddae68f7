"""Sums over positions."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from adaf.portfolios.models import Position
from adaf.web.totals import totals


def position(value: str, cost: str, change_24h_ratio: float | None) -> Position:
    amount, spent = Decimal(value), Decimal(cost)
    return Position(
        "BTC", "Bitcoin", "Payments", Decimal(1), spent, amount, amount, spent, amount - spent, None,
        change_24h_ratio, datetime(2025, 3, 1, tzinfo=UTC),
    )  # fmt: skip


def test_totals_are_the_sums_of_positions_and_cash():
    """Value, cash, profit and the day's change add up."""
    found = totals([position("110", "100", 0.10), position("50", "100", -0.5)], Decimal(40))
    assert found.net_asset_value == 200
    assert found.profit == -40
    assert found.profit_ratio == pytest.approx(-0.2)
    assert float(found.change_24h) == pytest.approx(10 - 50)
    assert found.change_24h_ratio == pytest.approx(-40 / 240)
    assert found.cash_ratio == pytest.approx(0.2)


def test_an_empty_portfolio_has_no_ratios():
    """Nothing is divided by nothing."""
    found = totals([], Decimal(0))
    assert (found.net_asset_value, found.change_24h_ratio, found.profit_ratio, found.cash_ratio) == (
        0,
        None,
        None,
        None,
    )


def test_a_position_without_yesterday_changes_nothing():
    """An asset that was not quoted a day ago counts with its value and without a change."""
    found = totals([position("110", "100", None)], Decimal(0))
    assert (found.net_asset_value, found.change_24h) == (110, 0)
