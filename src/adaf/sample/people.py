"""Users and what they leave behind: portfolios, sessions, alerts, reports, the audit log.

Users 1–3 are the named sign-ins, then come the test accounts, then everyone else (who may not sign in).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from adaf.sample import copy_format as copy
from adaf.sample.copy_format import Field, Floats, Integers
from adaf.sample.sizes import DAY_MICROSECONDS, SAMPLE_END_MICROSECONDS, Size
from adaf.sample.streams import stream, zipf_weights
from adaf.sample.universe import Asset

NAMED = (
    ("viewer@adaf.test", "Vera Lindqvist", "viewer"),
    ("trader@adaf.test", "Tomas Okafor", "trader"),
    ("operator@adaf.test", "Odile Marchetti", "operator"),
)
_NAMED_OWNERS = (1, 2, 2, 2, 3, 3)  # owners of the first portfolios
NAMED_PORTFOLIOS = len(_NAMED_OWNERS)
_FIRST_NAMES = [
    "Ada",
    "Amir",
    "Anika",
    "Bao",
    "Carla",
    "Chidi",
    "Dana",
    "Diego",
    "Elif",
    "Emeka",
    "Farah",
    "Felix",
    "Greta",
    "Hana",
    "Ivan",
    "Jonas",
    "Julia",
    "Kofi",
    "Lena",
    "Leo",
    "Mai",
    "Marta",
    "Mika",
    "Nadia",
    "Noor",
    "Olga",
    "Omar",
    "Paula",
    "Priya",
    "Rafael",
    "Rosa",
    "Samir",
    "Sofia",
    "Tariq",
    "Tuva",
    "Uma",
    "Viktor",
    "Wanjiru",
    "Yuki",
    "Zofia",
]
_LAST_NAMES = [
    "Abebe",
    "Alvarez",
    "Andersen",
    "Banerjee",
    "Castro",
    "Cohen",
    "Diallo",
    "Dubois",
    "Eriksen",
    "Ferrari",
    "Fischer",
    "Garcia",
    "Haddad",
    "Hansen",
    "Hoang",
    "Ito",
    "Jansen",
    "Kamara",
    "Kim",
    "Kowalski",
    "Kumar",
    "Larsen",
    "Lopez",
    "Mbeki",
    "Moreau",
    "Mueller",
    "Nakamura",
    "Nguyen",
    "Novak",
    "Nyberg",
    "Okoye",
    "Park",
    "Petrov",
    "Reyes",
    "Rossi",
    "Sato",
    "Silva",
    "Svensson",
    "Tanaka",
    "Varga",
    "Weber",
    "Wong",
    "Yilmaz",
    "Zhang",
]
_PORTFOLIO_NAMES = (
    "Core",
    "Growth",
    "Income",
    "Trading",
    "Long term",
    "Momentum",
    "Reserve",
    "Research",
    "Family",
    "Satellite",
)
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
_REPORT_KINDS = ("holdings", "performance", "tax")


def users(size: Size, seed: int) -> Iterator[dict[str, Field]]:
    """Password hashes are null here: they belong to the machine, not to the data."""
    rng = stream(seed, "users")
    others = size.users - len(NAMED) - size.test_accounts
    first, last = (
        rng.integers(0, len(_FIRST_NAMES), size.users),
        rng.integers(0, len(_LAST_NAMES), size.users),
    )
    names = [f"{_FIRST_NAMES[a]} {_LAST_NAMES[b]}" for a, b in zip(first, last, strict=True)]
    names[: len(NAMED)] = [name for _, name, _ in NAMED]
    emails = [email for email, _, _ in NAMED]
    emails += [test_account_email(number) for number in range(1, size.test_accounts + 1)]
    start = len(emails)
    emails += [
        f"{name.lower().replace(' ', '.')}.{start + n}@example.test"
        for n, name in enumerate(names[start:], start=1)
    ]
    roles = [role for _, _, role in NAMED] + ["trader"] * size.test_accounts
    roles += ["trader" if chance < 0.7 else "viewer" for chance in rng.random(others)]
    is_test = np.zeros(size.users, dtype=bool)
    is_test[len(NAMED) : len(NAMED) + size.test_accounts] = True
    yield {
        "id": copy.int8(np.arange(1, size.users + 1)),
        "email": copy.text(emails),
        "name": copy.text(names),
        "role": copy.text(roles),
        "is_test_account": copy.boolean(is_test),
        "created_at": copy.timestamptz(_before(size.start_microseconds, rng.uniform(30, 1000, size.users))),
    }


def test_account_email(number: int) -> str:
    return f"load-{number:03d}@test.invalid"


def portfolio_owners(size: Size, seed: int) -> Integers:
    """The owner of each portfolio: the named users' first, 1–3 a test account, the rest Zipf over everyone else."""
    rng = stream(seed, "portfolios")
    test_accounts = np.arange(size.test_accounts) + len(NAMED) + 1
    owned = np.repeat(test_accounts, rng.integers(1, 4, size.test_accounts))
    others = np.arange(len(NAMED) + size.test_accounts + 1, size.users + 1)
    rest = size.portfolios - NAMED_PORTFOLIOS - len(owned)
    drawn = rng.permutation(others)[rng.choice(len(others), rest, p=zipf_weights(len(others), 0.6, 10.0))]
    return np.concatenate([np.array(_NAMED_OWNERS), owned, drawn]).astype(np.int64)


def portfolios(size: Size, seed: int, cash_cents: Integers) -> Iterator[dict[str, Field]]:
    owners = portfolio_owners(size, seed)
    rng = stream(seed, "portfolios", 2)
    counts: dict[int, int] = {}
    names = []
    for owner in owners.tolist():
        number = counts[owner] = counts.get(owner, 0) + 1
        word = _PORTFOLIO_NAMES[(number - 1 + owner) % len(_PORTFOLIO_NAMES)]
        names.append(
            word if number <= len(_PORTFOLIO_NAMES) else f"{word} {(number - 1) // len(_PORTFOLIO_NAMES) + 1}"
        )
    yield {
        "id": copy.int8(np.arange(1, size.portfolios + 1)),
        "owner_id": copy.int8(owners),
        "name": copy.text(names),
        "base_currency": copy.text(["USD"] * size.portfolios),
        "cash": copy.numeric(cash_cents, scale=2),
        "is_archived": copy.boolean(
            (rng.random(size.portfolios) < 0.03) & (np.arange(size.portfolios) >= NAMED_PORTFOLIOS)
        ),
        "created_at": copy.timestamptz(
            _before(size.start_microseconds, rng.uniform(0.1, 30, size.portfolios))
        ),
    }


def sessions(size: Size, seed: int) -> Iterator[dict[str, Field]]:
    """A few that ended long ago: the sweep has something to find."""
    rng = stream(seed, "sessions")
    count = size.users // 10
    created = _before(SAMPLE_END_MICROSECONDS, rng.uniform(30, 90, count))
    yield {
        "id": copy.int8(np.arange(1, count + 1)),
        "token_hash": copy.binary([rng.bytes(32) for _ in range(count)]),
        "user_id": copy.int8(rng.integers(1, size.users + 1, count)),
        "created_at": copy.timestamptz(created),
        "expires_at": copy.timestamptz(created + 14 * DAY_MICROSECONDS),
    }


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
    is_read = rng.random(count) < np.clip(0.55 + age_days / size.days * 0.7, 0, 0.98)
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
    rng = stream(seed, "reports")
    count = size.reports
    created = np.sort(_within(size, rng, count))
    done = rng.random(count) < 0.97
    kind = rng.integers(0, 3, count)
    yield {
        "id": copy.int8(np.arange(1, count + 1)),
        "owner_id": copy.int8(_skewed_users(rng, size, count)),
        "kind": copy.choice(kind, _REPORT_KINDS),
        "status": copy.choice(done.astype(int), ("failed", "done")),
        "parameters": copy.jsonb(['{"days": 28}'] * count),
        "created_at": copy.timestamptz(created),
        "finished_at": copy.timestamptz(created + rng.integers(200_000, 9_000_000, count)),
    }


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


def _before(end_microseconds: int, days: Floats) -> Integers:
    """Whole seconds, `days` before the end."""
    return end_microseconds - (days * 86_400).astype(np.int64) * 1_000_000


def as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()
