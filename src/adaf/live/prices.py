"""The quotes as open pages are sent them: read once for all streams, and told where they changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from adaf.market import reads
from adaf.market.models import Quote
from adaf.web import format

if TYPE_CHECKING:
    from adaf.database import Database


class LiveQuote(msgspec.Struct, frozen=True):
    """What an open page shows of a quote, as numbers and in its templates' words; `ts` in Unix seconds."""

    symbol: str
    ts: int
    price: float
    price_text: str
    change_24h_ratio: float
    change_text: str


class Prices:
    """The latest quote of each symbol as JSON, as of the last time that it was read."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.all: Mapping[str, bytes] = {}

    async def read(self) -> dict[str, bytes]:
        """Read the quotes again; those that differ from the last time, by symbol."""
        before = self.all
        self.all = {quote.symbol: _encoded(quote) for quote in await reads.quotes(self._db)}
        return {symbol: text for symbol, text in self.all.items() if before.get(symbol) != text}


def _encoded(quote: Quote) -> bytes:
    return msgspec.json.encode(
        LiveQuote(
            quote.symbol,
            int(quote.ts.timestamp()),
            quote.price,
            format.price(quote.price),
            quote.change_24h_ratio,
            format.percent(quote.change_24h_ratio),
        )
    )
