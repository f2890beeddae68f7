"""How values look on a page: the one place where numbers and times become text.

A sign is always written (− is U+2212, so that columns align), so that no meaning hangs on colour. Times are
UTC and absolute: a cached page must not say "two minutes ago".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from markupsafe import Markup, escape

Number = int | float | Decimal

NOTHING = "–"
_UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}


def money(value: Number | None, currency: str = "USD", *, signed: bool = False) -> str:
    """An amount with two decimals: `$1,284.50`, `−€3.00`, `1,284.50 CHF`; with `signed` a plus sign too."""
    if value is None:
        return NOTHING
    return _sign(value, 0.005, signed) + _with_currency(f"{abs(value):,.2f}", currency)


def price(value: Number | None, currency: str = "USD") -> str:
    """A price with as many decimals as its size needs: `$67,120.50`, `$0.4213`, `$0.00001234`."""
    if value is None:
        return NOTHING
    return _with_currency(f"{value:,.{price_decimals(value)}f}", currency)


def price_decimals(value: Number) -> int:
    """Decimals that show at least four significant digits: 2 from 10 upwards, at most 8."""
    size = abs(float(value))
    for decimals, least in ((2, 10), (4, 0.1), (6, 0.001)):
        if size >= least:
            return decimals
    return 8


def compact(value: Number | None, currency: str = "USD") -> str:
    """A large amount in short: `$934.0K`, `$1.3M`, `$12.4B`; below a thousand in full."""
    if value is None:
        return NOTHING
    size = abs(float(value))
    unit, letter = next(((unit, letter) for unit, letter in _UNITS if size >= unit), (1.0, ""))
    return _sign(value, 0, False) + _with_currency(f"{size / unit:,.{1 if letter else 2}f}{letter}", currency)


def axis(values: Sequence[float], currency: str = "USD") -> list[str]:
    """Words for the ticks of one axis: the same unit for all, and as many decimals as keep them apart."""
    largest = max((abs(value) for value in values), default=0.0)
    unit, letter = next(((unit, letter) for unit, letter in _UNITS if largest >= unit), (1.0, ""))
    sizes = [abs(value) / unit for value in values]
    decimals = next((n for n in range(7) if all(abs(round(size, n) - size) < 1e-9 for size in sizes)), 6)
    texts = [f"{size:,.{decimals}f}" for size in sizes]
    return [
        _sign(value, 0, False) + _with_currency(text + letter, currency)
        for text, value in zip(texts, values, strict=True)
    ]


def ratio_axis(values: Sequence[float]) -> list[str]:
    """Words for the ticks of an axis of ratios, in percent, with as many decimals as keep them apart."""
    sizes = [abs(value) * 100 for value in values]
    decimals = next((n for n in range(7) if all(abs(round(size, n) - size) < 1e-9 for size in sizes)), 6)
    return [
        f"{_sign(value, 0.5 * 10 ** -(decimals + 2), False)}{size:,.{decimals}f}%"
        for value, size in zip(values, sizes, strict=True)
    ]


def figure(value: Number | None) -> str:
    """A number without a unit, such as a Sharpe ratio, with two decimals: `1.24`, `−0.30`."""
    return NOTHING if value is None else f"{_sign(value, 0.005, False)}{abs(value):,.2f}"


def quantity(value: Number | None) -> str:
    """An amount of an asset: up to eight decimals, without trailing zeros."""
    if value is None:
        return NOTHING
    text = f"{Decimal(value):,.8f}"
    return text.rstrip("0").rstrip(".")


def percent(ratio: float | None, *, signed: bool = True) -> str:
    """A ratio in percent with two decimals: 0.0123 is `+1.23%`."""
    if ratio is None:
        return NOTHING
    return f"{_sign(ratio, 0.00005, signed)}{abs(ratio):.2%}"


def share(ratio: float | None) -> str:
    """A part of a whole with one decimal: `12.5%`."""
    return NOTHING if ratio is None else f"{ratio:.1%}"


def direction(value: Number | None) -> str:
    """The style of a gain or a loss; nothing at (rounded) zero."""
    size = float(value or 0)
    if abs(size) < 0.00005:
        return ""
    return "up" if size > 0 else "down"


def arrow(value: Number | None) -> Markup:
    """A triangle that goes with the sign; hidden from screen readers, which read the sign."""
    mark = {"up": "▲", "down": "▼"}.get(direction(value))
    return Markup('<span class="arrow" aria-hidden="true">{}</span>').format(mark) if mark else Markup("")


def moment(value: datetime) -> Markup:
    """An instant as `<time>`: `14 Mar 2025, 09:30 UTC`."""
    utc = value.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        utc.strftime("%Y-%m-%dT%H:%M:%SZ"), f"{utc.day} {utc:%b %Y, %H:%M} UTC"
    )


def short_moment(value: datetime) -> Markup:
    """An instant in little room: `14 Mar, 09:30 UTC`."""
    utc = value.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        utc.strftime("%Y-%m-%dT%H:%M:%SZ"), f"{utc.day} {utc:%b, %H:%M} UTC"
    )


def day(value: date) -> Markup:
    """A calendar day as `<time>`: `14 Mar 2025`."""
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), f"{value.day} {value:%b %Y}")


def label(name: str) -> str:
    """A stored name such as `mean_reversion` as words: `Mean reversion`."""
    words = name.replace("_", " ")
    return words.upper() if len(words) <= 2 else words[:1].upper() + words[1:]


def marked(text: str, words: Iterable[str]) -> Markup:
    """`text` with each of `words` in `<mark>`, in either case, where it is a word or begins one."""
    wanted = "|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True) if word)
    if not wanted:
        return escape(text)
    parts = re.split(rf"(?<!\w)({wanted})", text, flags=re.IGNORECASE)
    return Markup("").join(
        Markup("<mark>{}</mark>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )


def _with_currency(digits: str, currency: str) -> str:
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{digits}" if symbol else f"{digits} {currency}".rstrip()


def _sign(value: Number, zero: float, signed: bool) -> str:
    if value <= -zero and value != 0:
        return "−"
    return "+" if signed and value >= zero and value != 0 else ""
