"""Who may know that something changed: what is shared by all, what is one's own, and nothing else.

A tag that this module does not know goes to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

EVERYTHING: Final = "*"
EVERYBODY: Final = 0
SHARED: Final = frozenset(
    ("assets", "bars", "quotes", "research", "returns", "signals", "strategies", "trades", "users")
)
_OF_AN_ASSET: Final = "trades:"
_OF_A_USER: Final = ("alerts", "reports", "session", "user")
_LARGEST: Final = 2**63 - 1
NOTHING: Final[frozenset[str]] = frozenset()


class TagOwner(msgspec.Struct, frozen=True):
    """Whose portfolio or strategy `tag` names; `owner_id` EVERYBODY where all may see it."""

    tag: str
    owner_id: int


class Audience(msgspec.Struct, frozen=True):
    """The tags that every signed-in user may know, and those of single users."""

    shared: frozenset[str]
    own: Mapping[int, frozenset[str]]

    def tags_for(self, user_id: int) -> frozenset[str]:
        return self.shared | self.own.get(user_id, NOTHING)


def audience(tags: Iterable[str], owners: Iterable[TagOwner]) -> Audience:
    """Divides `tags` among those who may know them; `owners` are the rows that `owned` asked for."""
    shared: set[str] = set()
    own: dict[int, set[str]] = {}
    for tag in tags:
        if tag in SHARED or tag == EVERYTHING or tag.startswith(_OF_AN_ASSET):
            shared.add(tag)
        elif user_id := _number(tag, _OF_A_USER):
            own.setdefault(user_id, set()).add(tag)
    for owner in owners:
        if owner.owner_id == EVERYBODY:
            shared.add(owner.tag)
        else:
            own.setdefault(owner.owner_id, set()).add(owner.tag)
    return Audience(frozenset(shared), {user_id: frozenset(mine) for user_id, mine in own.items()})


def owned(tags: Iterable[str]) -> tuple[list[int], list[int]]:
    """The numbers of the portfolios and of the strategies whose owners have to be asked for."""
    portfolios, strategies = [], []
    for tag in tags:
        if number := _number(tag, ("portfolio",)):
            portfolios.append(number)
        elif number := _number(tag, ("strategy",)):
            strategies.append(number)
    return portfolios, strategies


def session_owners(tags: Iterable[str]) -> set[int]:
    """The users whose sessions changed."""
    return {number for tag in tags if (number := _number(tag, ("session",)))}


def _number(tag: str, kinds: tuple[str, ...]) -> int:
    """The number after one of `kinds` and a colon; 0 for any other tag."""
    kind, _, digits = tag.partition(":")
    if kind not in kinds or not (digits.isascii() and digits.isdigit()) or len(digits) > 19:
        return 0
    number = int(digits)
    return number if number <= _LARGEST else 0
