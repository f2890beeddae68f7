"""How much is measured: three profiles, the alternating order of slices, and who gets which part of the
sequence."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from pack2.proof.model import Variant

LATENCY_SHARE = 0.55
"""Latency is measured at this share of the untuned capacity; more than 0.6 would let saturation fake a
gain."""
TUNED_SHARE = 0.6
WARM_UP_OFFSET = 50_000_000
"""Warm-up reads the sequence from here: replaying what is measured would turn misses into hits."""


class Profile(msgspec.Struct, frozen=True):
    """Durations in seconds; `pairs` of latency slices; `replays` query executions; `page_loads` a page and
    variant; a capacity search ends when its bracket is `bracket_ratio` wide."""

    name: str
    accounts: int
    pairs: int
    slice_seconds: float
    warm_up_seconds: float
    bracket_ratio: float
    step_seconds: float
    confirm_seconds: float
    load_warm_up_seconds: float
    load_seconds: float
    replays: int
    replay_seconds: float
    page_loads: int
    extra_slices: int


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("mini", 5, 2, 5, 1, 1.6, 2, 2, 2, 3, 200, 5, 1, 2),
        Profile("quick", 50, 2, 4, 2, 1.6, 2, 4, 10, 6, 250, 4, 1, 2),
        Profile("small", 200, 3, 8, 3, 1.25, 2, 5, 30, 12, 500, 15, 2, 4),
        Profile("medium", 200, 6, 20, 10, 1.12, 6, 15, 75, 60, 2000, 50, 6, 6),
    )
}


@dataclass(frozen=True)
class Slot:
    """One slice of the plan: both slices of a pair send the same part of the sequence."""

    pair: int
    variant: Variant

    @property
    def label(self) -> str:
        return f"latency slice {self.pair + 1} {self.variant}"


def slots(pairs: int) -> list[Slot]:
    """ABBA: each pair starts with the variant that ended the last one, so that a slow drift falls on both
    alike."""
    order: list[Slot] = []
    for pair in range(pairs):
        variants: list[Variant] = ["before", "after"] if pair % 2 == 0 else ["after", "before"]
        order += [Slot(pair, variant) for variant in variants]
    return order


class Tape:
    """Hands out parts of the journey's sequence that nobody has used, and numbers for ingestion batches."""

    def __init__(self, start: int = 0) -> None:
        self._next = start

    def take(self, rate: float, seconds: float) -> int:
        """The first position of a fresh part that is long enough for `rate` over `seconds`."""
        first = self._next
        self._next += int(rate * seconds) + 100
        return first
