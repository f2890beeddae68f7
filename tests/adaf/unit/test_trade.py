"""The arithmetic of a trade."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaf.portfolios.models import TradeRequest
from adaf.portfolios.trade import Held, settle
from adaf.problem import Conflict

amounts = st.decimals("0.00000001", "1000000", places=8)
large = st.decimals("0.1", "1000000", places=8)
moneys = st.decimals("0", "1000000000000", places=2)
holdings = st.one_of(st.none(), st.builds(Held, amounts, amounts))


def _quantity(held: Held | None) -> Decimal:
    return held.quantity if held else Decimal(0)


@pytest.mark.parametrize(
    ("side", "quantity", "price", "cash", "held", "fee", "cash_after", "held_after"),
    [
        ("buy", "2", "100", "1000", None, "0.20", "799.80", ("2", "100")),
        ("buy", "1", "130", "1000", ("2", "100"), "0.13", "869.87", ("3", "110")),
        ("sell", "1", "150", "0", ("3", "110"), "0.15", "149.85", ("2", "110")),
        ("sell", "3", "150", "0", ("3", "110"), "0.45", "449.55", None),
        ("buy", "1", "0.015", "1", None, "0.01", "0.97", ("1", "0.015")),
        ("buy", "2", "1", "100", ("1", "2"), "0.01", "97.99", ("3", "1.33333333")),
        ("buy", "1", "100.01", "1000", None, "0.11", "899.88", ("1", "100.01")),
        ("sell", "0.00000001", "1", "5", ("1", "1"), "0.00", "5.00", ("0.99999999", "1")),
    ],
)
def test_known_trades(
    side: Literal["buy", "sell"],
    quantity: str,
    price: str,
    cash: str,
    held: tuple[str, str] | None,
    fee: str,
    cash_after: str,
    held_after: tuple[str, str] | None,
) -> None:
    """Trades computed by hand: value half up, fee rounded up, average cost without fees."""
    before = Held(Decimal(held[0]), Decimal(held[1])) if held else None
    result = settle(side, Decimal(quantity), Decimal(price), Decimal(cash), before)
    assert (str(result.fee), result.cash) == (fee, Decimal(cash_after))
    assert result.held == (Held(Decimal(held_after[0]), Decimal(held_after[1])) if held_after else None)


@given(st.sampled_from(["buy", "sell"]), amounts, amounts, moneys, holdings)
def test_nothing_appears_or_vanishes(
    side: Literal["buy", "sell"], quantity: Decimal, price: Decimal, cash: Decimal, held: Held | None
) -> None:
    """Cash changes by value and fee, holdings by the quantity, to the last digit; neither falls below 0."""
    try:
        result = settle(side, quantity, price, cash, held)
    except Conflict:
        return
    sign = 1 if side == "buy" else -1
    assert result.cash == cash - sign * result.value - result.fee
    assert _quantity(result.held) == _quantity(held) + sign * quantity
    assert result.cash >= 0
    assert _quantity(result.held) >= 0
    assert abs(result.value - quantity * price) <= Decimal("0.005")
    assert Decimal(0) <= result.fee - result.value / 1000 < Decimal("0.01")


@given(large, large, holdings)
def test_a_purchase_succeeds_exactly_when_cash_covers_it(
    quantity: Decimal, price: Decimal, held: Held | None
) -> None:
    """What value and fee need is enough, and a cent less is not."""
    needed = settle("buy", quantity, price, Decimal(10) ** 15, held)
    cost = needed.value + needed.fee
    assert settle("buy", quantity, price, cost, held).cash == 0
    with pytest.raises(Conflict, match=str(cost - Decimal("0.01"))):
        settle("buy", quantity, price, cost - Decimal("0.01"), held)


@given(st.lists(st.tuples(large, large), min_size=1, max_size=8))
def test_the_average_cost_is_the_weighted_mean_of_purchases(purchases: list[tuple[Decimal, Decimal]]) -> None:
    """After purchases alone, quantity × average cost is what was paid, within the rounding of each step."""
    held: Held | None = None
    for quantity, price in purchases:
        held = settle("buy", quantity, price, Decimal(10) ** 18, held).held
    assert held is not None
    paid = sum((quantity * price for quantity, price in purchases), Decimal(0))
    assert abs(held.average_cost - paid / held.quantity) <= Decimal("0.00000001") * len(purchases)


@given(amounts, amounts, st.one_of(st.just(Decimal(0)), amounts))
def test_a_sale_leaves_the_average_cost(quantity: Decimal, price: Decimal, more: Decimal) -> None:
    """Selling a part changes the quantity alone; selling all leaves no position."""
    held = Held(quantity + more, price)
    left = settle("sell", quantity, price, Decimal(0), held).held
    assert left == (Held(more, price) if more else None)


@given(amounts, holdings)
def test_nobody_sells_what_they_do_not_have(quantity: Decimal, held: Held | None) -> None:
    """A sale above the holdings is refused with what is available."""
    available = _quantity(held)
    with pytest.raises(Conflict, match="available"):
        settle("sell", available + quantity, Decimal(1), Decimal(0), held)


def test_a_purchase_worth_nothing_is_refused() -> None:
    """A purchase whose value rounds to nothing would be a gift."""
    with pytest.raises(Conflict, match="at least"):
        settle("buy", Decimal("0.001"), Decimal(1), Decimal(100), None)


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_a_request_takes_what_the_columns_hold(quantity: Decimal) -> None:
    """A quantity is accepted exactly when it is above 0, at most 10¹² and has at most 8 decimal places."""
    body = msgspec.json.encode({"symbol": "BTC", "side": "buy", "quantity": str(quantity)})
    fits = quantity.is_finite() and 0 < quantity <= 10**12 and int(quantity.as_tuple().exponent) >= -8
    try:
        accepted = msgspec.json.decode(body, type=TradeRequest).quantity == quantity
    except msgspec.ValidationError:
        accepted = False
    assert accepted == fits
