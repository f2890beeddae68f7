"""What users leave behind: alerts, reports, the audit log."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from adaf.sample import copy_format as copy
from adaf.sample.copy_format import Field, Floats, Integers
from adaf.sample.people import NAMED, portfolio_owners
from adaf.sample.sizes import DAY_MICROSECONDS, SAMPLE_END_MICROSECONDS, Size
from adaf.sample.streams import stream, zipf_weights
from adaf.sample.universe import Asset

_NEWEST_UNREAD = 4  # of each named user
_ALERT_KINDS = ("price_above", "price_below", "drawdown", "volume_spike")
_ACTIONS = (
    "auth.sign_in",
    "auth.sign_out",
    "portfolio.view",
    "transaction.create",
    "strategy.run",
    "alert.read",
    "report.request",
)
_ACTION_WEIGHTS = (0.24, 0.12, 0.36, 0.12, 0.06, 0.08, 0.02)
_REPORT_KINDS = ("statement", "performance", "transactions")
_REPORT_DAYS = 28


def alerts(size: Size, seed: int, universe: list[Asset], last_prices: Floats) -> Iterator[dict[str, Field]]:
    rng = stream(seed, "alerts")
    count = size.alerts
    user = _skewed_users(rng, size, count)
    asset = rng.choice(size.assets, count, p=zipf_weights(size.assets, 0.9, 2.0))
    kind = rng.choice(4, count, p=(0.4, 0.35, 0.15, 0.1))
    level = last_prices[asset] * np.exp(rng.normal(0, 0.06, count))
    threshold = np.select(
        [kind < 2, kind == 2], [level, rng.uniform(0.03, 0.3, count)], rng.uniform(2, 8, count)
    )
    threshold = np.array([float(f"{value:.6g}") for value in threshold.tolist()])
    triggered = np.sort(_within(size, rng, count))
    age_days = (SAMPLE_END_MICROSECONDS - triggered) / DAY_MICROSECONDS
    is_read = rng.random(count) < np.clip(0.75 + age_days / size.days * 0.32, 0, 0.98)
    for named in range(1, len(NAMED) + 1):
        is_read[np.flatnonzero(user == named)[-_NEWEST_UNREAD:]] = False
    yield {
        "id": copy.int8(np.arange(1, count + 1)),
        "user_id": copy.int8(user),
        "asset_id": copy.int4(asset + 1),
        "kind": copy.choice(kind, _ALERT_KINDS),
        "threshold": copy.float8(threshold),
        "message": copy.text([
            _alert_message(universe[a].symbol, k, value)
            for a, k, value in zip(asset.tolist(), kind.tolist(), threshold.tolist(), strict=True)
        ]),
        "is_read": copy.boolean(is_read),
        "triggered_at": copy.timestamptz(triggered),
    }  # fmt: skip


def _alert_message(symbol: str, kind: int, threshold: float) -> str:
    if kind == 0:
        return f"{symbol} rose above {threshold:g} USD"
    if kind == 1:
        return f"{symbol} fell below {threshold:g} USD"
    if kind == 2:
        return f"{symbol} is {threshold:.1%} below its recent high"
    return f"{symbol} volume is {threshold:.1f} times its hourly mean"


def reports(size: Size, seed: int) -> Iterator[dict[str, Field]]:
    """Reports that were made and whose files are gone; each of a portfolio of its owner's."""
    rng = stream(seed, "reports")
    count = size.reports
    portfolio = rng.choice(size.portfolios, count, p=zipf_weights(size.portfolios, 0.7, 8.0))
    created = np.sort(_within(size, rng, count))
    done = rng.random(count) < 0.97
    kind = rng.integers(0, 3, count)
    until = created.astype("datetime64[us]").astype("datetime64[D]") - 1
    since = until - (_REPORT_DAYS - 1)
    is_pdf = rng.random(count) < 0.7
    yield {
        "id": copy.int8(np.arange(1, count + 1)),
        "owner_id": copy.int8(portfolio_owners(size, seed)[portfolio]),
        "kind": copy.choice(kind, _REPORT_KINDS),
        "status": copy.choice(done.astype(int), ("failed", "done")),
        "parameters": copy.jsonb([
            f'{{"portfolio_id": {which + 1}, "since": "{first}", "until": "{last}", "format": "{form}"}}'
            for which, first, last, form in zip(
                portfolio.tolist(), since.astype(str), until.astype(str),
                np.where(is_pdf, "pdf", "csv"), strict=True)
        ]),
        "progress_percent": copy.int4(np.where(done, 100, 30)),
        "created_at": copy.timestamptz(created),
        "finished_at": copy.timestamptz(created + rng.integers(200_000, 9_000_000, count)),
    }  # fmt: skip


def audit_log(size: Size, seed: int) -> Iterator[dict[str, Field]]:
    rng = stream(seed, "audit_log")
    count = size.audit
    user = _skewed_users(rng, size, count)
    action = rng.choice(len(_ACTIONS), count, p=_ACTION_WEIGHTS)
    subject = rng.integers(1, size.portfolios + 1, count)
    address = rng.integers(1, 255, (count, 2))
    yield {
        "id": copy.int8(np.arange(1, count + 1)),
        "user_id": copy.int8(user),
        "ts": copy.timestamptz(np.sort(_within(size, rng, count))),
        "action": copy.choice(action, _ACTIONS),
        "subject": copy.text([
            f"user:{who}" if what < 2 else f"portfolio:{which}"
            for who, what, which in zip(user.tolist(), action.tolist(), subject.tolist(), strict=True)
        ]),
        "details": copy.jsonb([f'{{"address": "10.0.{a}.{b}"}}' for a, b in address.tolist()]),
    }  # fmt: skip


def _skewed_users(rng: np.random.Generator, size: Size, count: int) -> Integers:
    """Zipf over users; the named sign-ins are the busiest, so that there is something to look at."""
    return rng.choice(size.users, count, p=zipf_weights(size.users, 0.7, 8.0)).astype(np.int64) + 1


def _within(size: Size, rng: np.random.Generator, count: int) -> Integers:
    return rng.integers(size.start_microseconds, SAMPLE_END_MICROSECONDS, count)
