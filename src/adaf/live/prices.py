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


class Words(msgspec.Struct, frozen=True):
    """A quote as the templates write it; each name is that of a place in a page, `data-live`."""

    price: str
    change: str
    bid: str
    ask: str
    moment: str


class LiveQuote(msgspec.Struct, frozen=True):
    """What an open page shows of a quote; `ts` in Unix seconds."""

    symbol: str
    ts: int
    price: float
    change_24h_ratio: float
    words: Words


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
    words = Words(
        price=format.price(quote.price),
        change=format.percent(quote.change_24h_ratio),
        bid=format.price(quote.bid),
        ask=format.price(quote.ask),
        moment=format.moment(quote.ts).striptags(),
    )
    return msgspec.json.encode(
        LiveQuote(quote.symbol, int(quote.ts.timestamp()), quote.price, quote.change_24h_ratio, words)
    )
