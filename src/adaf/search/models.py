"""The values of the search and research routes."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Kind = Literal["all", "notes", "assets", "portfolios", "strategies"]


class MatchingNote(msgspec.Struct, frozen=True):
    """A note as PostgreSQL finds it: in `headline`, what matches stands between U+0002 and U+0003."""

    id: int
    symbol: str
    title: str
    headline: str
    score: float
    published_at: datetime


class FoundNote(msgspec.Struct, frozen=True):
    """A note that matches, with the passage that does and the words in it that match; `score` is ts_rank."""

    id: int
    symbol: str
    title: str
    excerpt: str
    score: float
    published_at: datetime
    matched: list[str]


class FoundAsset(msgspec.Struct, frozen=True):
    """An asset whose symbol or name is like the text; `score` is trigram similarity, 0 to 1."""

    symbol: str
    name: str
    category: str
    score: float


class FoundPortfolio(msgspec.Struct, frozen=True):
    """One of the user's portfolios."""

    id: int
    name: str
    is_archived: bool


class FoundStrategy(msgspec.Struct, frozen=True):
    """A strategy that the user may see."""

    id: int
    name: str
    kind: str
    symbol: str
    is_own: bool


class Found(msgspec.Struct, frozen=True):
    """What was found by kind, the best first; a kind that was not asked for is empty."""

    assets: list[FoundAsset]
    portfolios: list[FoundPortfolio]
    strategies: list[FoundStrategy]
    notes: list[FoundNote]


class Note(msgspec.Struct, frozen=True):
    """A research note."""

    id: int
    symbol: str
    author: str
    author_id: int
    title: str
    body: str
    tags: list[str]
    published_at: datetime
