"""The arithmetic of a trade: fee, cash and position by the average-cost method, in decimals only.

Cash moves by the value, rounded half up to the cent, and by the fee, 0.1 % of it rounded up to the cent.
The average cost leaves fees out, so that profit is shown before them.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_UP, Context, Decimal, localcontext

import msgspec

from adaf.portfolios.models import Side
from adaf.problem import Conflict

FEE_RATIO = Decimal("0.001")
SMALLEST_VALUE = Decimal("0.01")
CENT = Decimal("0.01")
UNIT = Decimal("0.00000001")
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


class Held(msgspec.Struct, frozen=True):
    """How much of an asset a portfolio holds, and what a unit of it cost on average."""

    quantity: Decimal
    average_cost: Decimal


class Settlement(msgspec.Struct, frozen=True):
    """What a trade leaves: `held` is None when everything was sold (there is no position of quantity 0)."""

    value: Decimal
    fee: Decimal
    cash: Decimal
    held: Held | None


def settle(side: Side, quantity: Decimal, price: Decimal, cash: Decimal, held: Held | None) -> Settlement:
    """The state after a trade. Raises Conflict, naming what is there, when cash or holdings fall short."""
    with localcontext(_EXACT):
        value = (quantity * price).quantize(CENT)
        fee = (value * FEE_RATIO).quantize(CENT, rounding=ROUND_CEILING)
        if side == "buy":
            return _bought(quantity, price, value, fee, cash, held)
        return _sold(quantity, value, fee, cash, held)


def _bought(
    quantity: Decimal, price: Decimal, value: Decimal, fee: Decimal, cash: Decimal, held: Held | None
) -> Settlement:
    if value < SMALLEST_VALUE:
        raise Conflict(f"A purchase is worth at least {SMALLEST_VALUE}; this one is worth {value}.")
    if value + fee > cash:
        raise Conflict(f"This purchase needs {value + fee} with its fee; {cash} is available.")
    before = held or Held(Decimal(0), Decimal(0))
    after = before.quantity + quantity
    average = (before.quantity * before.average_cost + quantity * price) / after
    return Settlement(value, fee, cash - value - fee, Held(after, average.quantize(UNIT)))


def _sold(quantity: Decimal, value: Decimal, fee: Decimal, cash: Decimal, held: Held | None) -> Settlement:
    available = held.quantity if held else Decimal(0)
    if held is None or quantity > available:
        raise Conflict(f"This sale needs {quantity:f} units; {available:f} are available.")
    left = available - quantity
    return Settlement(value, fee, cash + value - fee, Held(left, held.average_cost) if left else None)
