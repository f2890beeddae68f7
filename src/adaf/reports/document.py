"""A report as data for the template: every word is made here, the template only lays it out.

A user's words travel as JSON strings, which Typst shows and never evaluates.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from adaf.reports.figures import drawdowns, figures, turnover
from adaf.reports.models import Content
from adaf.web import format
from adaf.web.charts import line_chart

TITLES = {
    "statement": "Portfolio statement",
    "performance": "Performance report",
    "transactions": "Transactions",
}
MOST_TYPESET = 2_500
"""Transactions that a PDF lists: six megabytes, a second of typesetting. Its sums are of all."""
_LONG_WORD = re.compile(r"(\S{14})(?=\S)")


class Column(msgspec.Struct, frozen=True):
    """A column's heading; `wide` takes the room that the others leave."""

    text: str
    is_number: bool = True
    wide: bool = False


class Table(msgspec.Struct, frozen=True):
    """Rows of words, and the row of totals below them."""

    title: str
    columns: list[Column]
    rows: list[list[str]]
    total: list[str]
    empty: str


class Card(msgspec.Struct, frozen=True):
    """One figure; `tone` is up, down or nothing."""

    label: str
    value: str
    tone: str = ""


class Document(msgspec.Struct, frozen=True):
    """What the template shows, from top to bottom."""

    title: str
    portfolio: str
    owner: str
    period: str
    struck: str
    number: str
    cards: list[Card]
    chart: dict[str, Any] | None
    tables: list[Table]


def document(content: Content) -> Document:
    """The report as data."""
    order, account = content.order, content.account
    return Document(
        title=TITLES[order.kind],
        portfolio=breakable(account.portfolio),
        owner=breakable(account.owner),
        period=f"{_day(order.since)} – {_day(order.until)}",
        struck=_moment(account.closed_at or content.clock),
        number=str(order.id),
        cards=_cards(content),
        chart=None if order.kind == "transactions" else _chart(content),
        tables=_tables(content),
    )


def breakable(text: str) -> str:
    """`text` with places inside of long words where a line may break; control characters are left out."""
    return _LONG_WORD.sub("\\1\u200b", "".join(c if c.isprintable() else " " for c in text))


def _tables(content: Content) -> list[Table]:
    match content.order.kind:
        case "statement":
            return [_holdings(content), _trades(content)]
        case "performance":
            return [_days(content)]
        case "transactions":
            return [_trades(content)]


def _cards(content: Content) -> list[Card]:
    currency = content.account.currency
    if content.order.kind == "transactions":
        traded = turnover(content.trades)
        return [
            Card("Transactions", f"{traded.count:,}"),
            Card("Bought", format.money(traded.bought, currency)),
            Card("Sold", format.money(traded.sold, currency)),
            Card("Fees", format.money(traded.fees, currency)),
        ]
    found = figures(content.days)
    opening = content.days[0].nav if content.days else None
    cards = [
        Card("Opening value", format.money(opening, currency)),
        Card("Closing value", format.money(content.account.nav, currency)),
        _ratio("Return", found.total_return),
        _ratio("Largest drawdown", found.max_drawdown),
    ]
    if content.order.kind == "performance":
        volatility = Card("Volatility a year", format.percent(found.volatility, signed=False))
        cards += [volatility, _ratio("Best day", found.best_day), _ratio("Worst day", found.worst_day)]
        cards.append(Card("Cash at close", format.money(content.account.cash, currency)))
    return cards


def _ratio(label: str, ratio: float | None) -> Card:
    return Card(label, format.percent(ratio), format.direction(ratio))


def _chart(content: Content) -> dict[str, Any] | None:
    values = [float(day.nav) for day in content.days]
    chart = line_chart([day.day for day in content.days], values, content.account.currency)
    if chart is None:
        return None
    points = [[int(part) / 1000 for part in pair.split(",")] for pair in chart.points.split()]
    ticks = {
        name: [[tick.at / 100, tick.text] for tick in found]
        for name, found in (("values", chart.value_ticks), ("days", chart.day_ticks))
    }
    return {"points": points, **ticks, "summary": chart.summary}


def _holdings(content: Content) -> Table:
    currency, cash = content.account.currency, content.account.cash or Decimal(0)
    total = cash + sum((each.value for each in content.holdings), Decimal(0))

    def share(value: Decimal) -> str:
        return format.share(float(value / total)) if total else format.NOTHING

    rows = [
        [
            each.symbol,
            f"{breakable(each.name)} · {format.label(each.category)}",
            format.quantity(each.quantity),
            format.price(each.price, currency),
            format.money(each.value, currency),
            share(each.value),
        ]
        for each in content.holdings
    ]
    rows.append(["", "Cash", "", "", format.money(cash, currency), share(cash)])
    columns = [Column("Asset", is_number=False), Column("", is_number=False, wide=True)]
    columns += [Column(text) for text in ("Quantity", "Price", "Value", "Share")]
    whole = ["Total", "", "", "", format.money(total, currency), share(total)]
    title = f"Positions on {_moment(content.account.closed_at or content.clock)}"
    return Table(title, columns, rows, whole, "")


def _days(content: Content) -> Table:
    currency = content.account.currency
    falls = drawdowns([day.nav for day in content.days])
    rows: list[list[str]] = []
    before: Decimal | None = None
    for day, fall in zip(content.days, falls, strict=True):
        change = float(day.nav / before - 1) if before else None
        row = [_day(day.day), format.money(day.nav, currency), format.money(day.cash, currency)]
        rows.append([*row, format.percent(change), format.percent(fall)])
        before = day.nav
    columns = [Column("Day", is_number=False, wide=True)]
    columns += [Column(text) for text in ("Net asset value", "Cash", "Daily return", "Drawdown")]
    return Table("Net asset value by day", columns, rows, [], "No value was struck in this period.")


def _trades(content: Content) -> Table:
    currency = content.account.currency
    rows = [
        [
            _short(each.executed_at),
            "Buy" if each.side == "buy" else "Sell",
            each.symbol,
            format.quantity(each.quantity),
            format.price(each.price, currency),
            format.money(each.value, currency),
            format.money(each.fee, currency),
            breakable(each.note or ""),
        ]
        for each in content.trades[-MOST_TYPESET:]
    ]
    traded = turnover(content.trades)
    columns = [Column(text, is_number=False) for text in ("Time (UTC)", "Side", "Asset")]
    columns += [Column(text) for text in ("Quantity", "Price", "Value", "Fee")]
    columns.append(Column("Note", is_number=False, wide=True))
    sums = f"bought {format.money(traded.bought, currency)}, sold {format.money(traded.sold, currency)}"
    total = [f"{traded.count:,} in all", "", "", "", "", "", format.money(traded.fees, currency), sums]
    title = "Transactions in the period"
    if traded.count > len(rows):
        title += f": the last {len(rows):,} of {traded.count:,}; a report of transactions as CSV has all"
    return Table(title, columns, rows, total, "No transaction in this period.")


def _day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"


def _moment(value: datetime) -> str:
    return f"{value.day} {value:%b %Y, %H:%M} UTC"


def _short(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M}"
