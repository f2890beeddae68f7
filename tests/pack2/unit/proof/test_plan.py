"""The order of slices and the parts of the sequence."""

from __future__ import annotations

import pytest

from pack2.proof.latency import slice_seconds
from pack2.proof.plan import LATENCY_SHARE, PROFILES, TUNED_SHARE, WARM_UP_OFFSET, Tape, slots
from pack2.proof.processors import split
from pack2.proof.progress import planned_seconds


def test_slices_alternate_abba() -> None:
    """A slow drift of the machine falls on both variants alike."""
    assert [slot.variant for slot in slots(2)] == ["before", "after", "after", "before"]
    assert [slot.pair for slot in slots(3)] == [0, 0, 1, 1, 2, 2]


def test_no_part_of_the_sequence_is_used_twice() -> None:
    """Sent again, a request would be a hit that no user caused."""
    tape = Tape()
    first, second = tape.take(30, 10), tape.take(200, 5)
    assert second >= first + 300
    assert tape.take(1, 1) >= second + 1000


def test_warm_up_lies_beyond_everything_measured() -> None:
    """The longest profile at 2,000 requests a second does not reach the warm-up's part."""
    longest = max(planned_seconds(profile, 3) for profile in PROFILES.values())
    assert 2000 * longest < WARM_UP_OFFSET


def test_rates_keep_below_sixty_per_cent() -> None:
    """Above 60 % of a capacity a queue, not the code, sets the latency."""
    assert LATENCY_SHARE <= 0.6
    assert TUNED_SHARE <= 0.6


@pytest.mark.parametrize(("rate", "seconds"), [(100.0, 4), (10.0, 13), (6.2, 21), (1.0, 24)])
def test_a_slow_application_is_measured_longer(rate: float, seconds: float) -> None:
    """At few requests a second, slices grow until a p95 has its samples; six times at most."""
    assert slice_seconds(PROFILES["quick"], rate) == seconds


@pytest.mark.parametrize(("name", "minutes"), [("quick", 2), ("small", 5), ("medium", 20)])
def test_profiles_keep_their_time(name: str, minutes: float) -> None:
    """The load alone stays below the promised time; preparation has the rest."""
    assert planned_seconds(PROFILES[name], 3) < 60 * minutes


@pytest.mark.parametrize(
    ("cores", "servers", "generator"),
    [([], set(), set()), ([0], set(), set()), ([0, 1], {0}, {1}), ([2, 3, 5, 7], {2}, {7})],
)
def test_servers_get_the_first_core_and_the_generator_the_last(
    cores: list[int], servers: set[int], generator: set[int]
) -> None:
    """One core, or none to choose from, isolates nothing."""
    found = split(cores)
    assert (found.servers, found.generator) == (servers, generator)
    assert found.isolated is (len(cores) > 1)
