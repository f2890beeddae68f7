"""A report as CSV (RFC 4180): one table, numbers as they are stored, texts that no spreadsheet executes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from adaf.reports.figures import drawdowns
from adaf.reports.models import Content

_FORMULA = re.compile(r"\s*[=+\-@|%＝＋－＠]|[\t\r\n]")


def csv_file(content: Content) -> bytes:
    """The file: positions with cash and total, days, or transactions."""
    match content.order.kind:
        case "statement":
            return _table(_HOLDINGS, _holdings(content))
        case "performance":
            return _table(_DAYS, _days(content))
        case "transactions":
            return _table(_TRADES, _trades(content))


def cell(value: object) -> str:
    """`value` as a cell. A text that begins like a formula gets an apostrophe before it."""
    match value:
        case None:
            return ""
        case str():
            return f"'{value}" if _FORMULA.match(value) else value
        case Decimal():
            return f"{value:f}"
        case float():
            return f"{value:.6f}"
    return str(value)


_HOLDINGS = ("symbol", "name", "category", "quantity", "price", "value")
_DAYS = ("day", "nav", "cash", "daily_return", "drawdown")
_TRADES = ("executed_at", "side", "symbol", "quantity", "price", "value", "fee", "note")


def _holdings(content: Content) -> Iterable[Sequence[Any]]:
    for each in content.holdings:
        yield each.symbol, each.name, each.category, each.quantity, each.price, each.value
    cash = content.account.cash or Decimal(0)
    yield "", "Cash", "cash", None, None, cash
    yield "", "Total", "", None, None, cash + sum((each.value for each in content.holdings), Decimal(0))


def _days(content: Content) -> Iterable[Sequence[Any]]:
    falls = drawdowns([each.nav for each in content.days])
    before: Decimal | None = None
    for each, fall in zip(content.days, falls, strict=True):
        yield each.day, each.nav, each.cash, float(each.nav / before - 1) if before else None, fall
        before = each.nav


def _trades(content: Content) -> Iterable[Sequence[Any]]:
    for each in content.trades:
        at = each.executed_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        yield at, each.side, each.symbol, each.quantity, each.price, each.value, each.fee, each.note


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([cell(value) for value in row] for row in rows)
    return file.getvalue().encode()
