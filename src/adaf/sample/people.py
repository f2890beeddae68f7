"""Users, their portfolios and old sessions.

Users 1–3 are the named sign-ins, then come the test accounts, then everyone else (who may not sign in).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from adaf.sample import copy_format as copy
from adaf.sample.copy_format import Field, Floats, Integers
from adaf.sample.sizes import DAY_MICROSECONDS, SAMPLE_END_MICROSECONDS, Size
from adaf.sample.streams import stream, zipf_weights

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
    """The owner of each portfolio: the named users' first, 1–3 a test account, the rest Zipf over everyone
    else.
    """
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


def _before(end_microseconds: int, days: Floats) -> Integers:
    """Whole seconds, `days` before the end."""
    return end_microseconds - (days * 86_400).astype(np.int64) * 1_000_000
