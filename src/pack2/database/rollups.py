"""Rollups: plain aggregating views turned into maintained tables of the same name, and back.

Placeholder of the public signatures; see `docs/rollups.md`.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from pack2.database.connection import Progress, silent


class AppliedRollup(msgspec.Struct, frozen=True):
    """What became of one rollup: built | completed | present | removed."""

    view: str
    outcome: str
    rows: int
    seconds: float


def apply(
    url: str, views: Iterable[str], *, wait_seconds: float = 600.0, on_progress: Progress = silent
) -> tuple[AppliedRollup, ...]:
    """Turn each of `views` into a maintained table; repeatable, resumable."""
    raise NotImplementedError
