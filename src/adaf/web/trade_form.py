"""The trade form: what was typed, and what is wrong with each field by the rules of the API's request."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from adaf.portfolios.models import Portfolio, TradeRequest, Transaction
from adaf.web import format

FIELDS = ("symbol", "side", "quantity", "price", "note", "client_reference")
EMPTY = dict.fromkeys(FIELDS, "")
_SENTENCES = {
    "symbol": "Type an asset's symbol, such as BTC.",
    "side": "Choose buy or sell.",
    "quantity": "Type a number above 0 with at most 8 decimals.",
    "price": "Type a number above 0 with at most 8 decimals, or leave it empty for the latest quote.",
    "note": "A note has at most 500 characters.",
    "client_reference": "Reload the page and type the trade again.",
}
_ACCEPTED = {"symbol": "BTC", "side": "buy", "quantity": "1"}


def typed(form: Mapping[str, object]) -> dict[str, str]:
    """The form's fields as text: blanks off, the symbol in capitals, thousands separators out of numbers."""
    values = {name: str(form.get(name) or "").strip() for name in FIELDS}
    values["symbol"] = values["symbol"].upper()
    for name in ("quantity", "price"):
        values[name] = values[name].replace(",", "").replace(" ", "")
    return values


def mistakes(values: Mapping[str, str]) -> dict[str, str]:
    """For each refused field a sentence that says what is accepted; empty when all is well."""
    given = _given(values)
    return {
        name: sentence
        for name, sentence in _SENTENCES.items()
        if not _accepts({**_ACCEPTED, name: given.get(name)})
    }


def request(values: Mapping[str, str]) -> TradeRequest:
    """The trade that `values` asks for. Call it when there are no `mistakes`."""
    return msgspec.convert(_given(values), TradeRequest)


def place_of_conflict(detail: str, symbol: str) -> str:
    """The field at which a refused trade's sentence is shown; empty for the form as a whole."""
    if detail.startswith(symbol):
        return "symbol"
    return "" if "client_reference" in detail or "archived" in detail else "quantity"


def confirmation(transaction: Transaction, portfolio: Portfolio) -> str:
    """What was recorded, in a sentence."""
    verb = "bought" if transaction.side == "buy" else "sold"
    each = format.price(transaction.price, portfolio.base_currency)
    fee = format.money(transaction.fee, portfolio.base_currency)
    return (
        f"Recorded: {verb} {format.quantity(transaction.quantity)} {transaction.symbol} at {each}, fee {fee}."
    )


def _given(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _accepts(values: Mapping[str, str | None]) -> bool:
    try:
        msgspec.convert(values, TradeRequest)
    except msgspec.ValidationError:
        return False
    return True
