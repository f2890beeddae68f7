"""What is typed into the trade form, field by field."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from adaf.portfolios.models import Portfolio, Transaction
from adaf.web import trade_form

GOOD = {
    "symbol": " btc ",
    "side": "buy",
    "quantity": "1,250.5",
    "price": "",
    "note": " dip ",
    "client_reference": "",
}


def test_what_is_typed_is_tidied():
    """Blanks go, the symbol becomes capitals, thousands separators are accepted."""
    values = trade_form.typed(GOOD)
    assert (values["symbol"], values["quantity"], values["note"]) == ("BTC", "1250.5", "dip")
    assert trade_form.mistakes(values) == {}


def test_a_good_form_is_a_request():
    """Empty fields are left out: no price means the latest quote."""
    request = trade_form.request(trade_form.typed(GOOD | {"client_reference": str(UUID(int=7))}))
    assert (request.symbol, request.quantity, request.price, request.note) == (
        "BTC",
        Decimal("1250.5"),
        None,
        "dip",
    )
    assert request.client_reference == UUID(int=7)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("symbol", ""),
        ("symbol", "B-C"),
        ("side", ""),
        ("side", "hold"),
        ("quantity", ""),
        ("quantity", "0"),
        ("quantity", "-1"),
        ("quantity", "many"),
        ("quantity", "NaN"),
        ("quantity", "0.123456789"),
        ("price", "0"),
        ("price", "Infinity"),
        ("note", "x" * 501),
        ("client_reference", "7"),
    ],
)
def test_each_mistake_is_told_at_its_field_alone(name, value):
    """A refused value yields a sentence for its field and none for any other."""
    mistakes = trade_form.mistakes(trade_form.typed(GOOD | {name: value}))
    assert list(mistakes) == [name]
    assert mistakes[name].endswith(".")


def test_missing_fields_are_mistakes_and_not_errors():
    """A request that does not come from our form is refused in the same way."""
    assert set(trade_form.mistakes(trade_form.typed({}))) == {"symbol", "side", "quantity"}


@pytest.mark.parametrize(
    ("detail", "place"),
    [
        ("BTC is no longer traded.", "symbol"),
        ("This purchase needs 10 with its fee; 5 is available.", "quantity"),
        ("This `client_reference` stands for another trade; use a new one for each trade.", ""),
        ("This portfolio is archived; trades are recorded in open portfolios.", ""),
    ],
)
def test_a_conflict_is_told_where_it_can_be_mended(detail, place):
    """Cash and holdings belong to the quantity, a delisted asset to the symbol, the rest to the form."""
    assert trade_form.place_of_conflict(detail, "BTC") == place


def test_a_recorded_trade_is_confirmed_in_a_sentence():
    """Amount, asset, price and fee are repeated to the person who typed them."""
    now = datetime(2025, 3, 1, tzinfo=UTC)
    portfolio = Portfolio(1, "Growth", "USD", Decimal(1), False, now, None, None, 0)
    done = Transaction(9, "BTC", "sell", Decimal("0.50"), Decimal(61000), Decimal("30.5"), now, None, None)
    assert trade_form.confirmation(done, portfolio) == "Recorded: sold 0.5 BTC at $61,000.00, fee $30.50."
