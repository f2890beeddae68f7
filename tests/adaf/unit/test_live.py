"""What the live stream tells whom: the rules, as values."""

from __future__ import annotations

import asyncio
import time

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf.live.audience import EVERYBODY, EVERYTHING, SHARED, TagOwner, audience, owned, session_owners
from adaf.live.recent import KEPT_SECONDS, MARGIN_SECONDS, MOST_KEPT, Recent
from adaf.live.stream import MOST_TAGS, SIGNED_OUT, STOPPED, Stream

tags = st.one_of(
    st.sampled_from([*SHARED, EVERYTHING, "trades:BTC", "delete:abc", "", "portfolio:", "user:0", "user:-1"]),
    st.builds(
        "{}:{}".format,
        st.sampled_from(["portfolio", "strategy", "user", "alerts", "reports", "session", "other"]),
        st.integers(1, 4),
    ),
    st.text(max_size=8),
)


def lines(block: bytes) -> list[tuple[str, object]]:
    """The events of a block as (name, data)."""
    events = [part.splitlines() for part in block.decode().strip().split("\n\n")]
    return [
        (part[0].removeprefix("event: "), msgspec.json.decode(part[1].removeprefix("data: ")))
        for part in events
        if part[0].startswith("event: ")
    ]


async def read(stream: Stream, blocks: int) -> list[tuple[str, object]]:
    """The events of the first `blocks` blocks after the greeting of the protocol."""
    reading = stream.events()
    await anext(reading)
    return [event for _ in range(blocks) for event in lines(await anext(reading))]


def stream(seconds: float = 60) -> Stream:
    return Stream(1, b"session", time.time() + seconds)


@settings(max_examples=60, deadline=None)
@given(st.sets(tags, max_size=12), st.dictionaries(tags, st.integers(0, 4), max_size=6))
def test_a_user_is_told_what_is_shared_and_what_is_their_own(heard, owners):
    """Nothing that names another user, another's portfolio, or what nobody knows reaches anybody."""
    rows = [
        TagOwner(tag, owner) for tag, owner in owners.items() if tag.startswith(("portfolio:", "strategy:"))
    ]
    told = audience(heard, rows)
    public = {row.tag for row in rows if row.owner_id == EVERYBODY}
    for user in range(1, 5):
        own = {f"{kind}:{user}" for kind in ("user", "alerts", "reports", "session")} & heard
        mine = {row.tag for row in rows if row.owner_id == user}
        everybodys = {tag for tag in heard if tag in SHARED or tag == "*" or tag.startswith("trades:")}
        assert told.tags_for(user) == everybodys | public | own | mine


def test_owners_are_asked_for_by_number_alone():
    """A tag with anything but a number that PostgreSQL knows is nobody's."""
    assert owned(["portfolio:7", "strategy:8", "portfolio:x", "strategy:-1", "portfolio:", "x"]) == ([7], [8])
    assert owned([f"portfolio:{2**63}", "portfolio:" + "9" * 30, "portfolio:١"]) == ([], [])
    assert session_owners(["session:3", "session:x", "user:4"]) == {3}


def test_a_page_is_told_what_expired_since_it_was_made():
    """Only what came later, with a margin; everything where the past is not known."""
    recent = Recent()
    assert recent.since(100) == {EVERYTHING}
    recent.begin(100)
    recent.add(["a"], 200)
    recent.add(["b", "c"], 210)
    assert recent.since(99) == {EVERYTHING}
    assert recent.since(150) == {"a", "b", "c"}
    assert recent.since(205) == {"b", "c"}
    assert recent.since(210 + MARGIN_SECONDS / 2) == {"b", "c"}
    assert recent.since(210 + MARGIN_SECONDS) == set()
    recent.begin(300)
    assert recent.since(299) == {EVERYTHING}
    assert recent.since(400) == set()


def test_the_past_is_kept_for_a_while_and_within_a_bound():
    """What left the memory is answered by everything, never by nothing."""
    recent = Recent()
    recent.begin(0)
    recent.add(["old"], 10)
    recent.add(["new"], 10 + KEPT_SECONDS + 1)
    assert recent.since(10) == {EVERYTHING}
    assert recent.since(40) == {"new"}
    recent.add((str(number) for number in range(2 * MOST_KEPT)), 80)
    assert recent.since(40) == {EVERYTHING}
    assert len(recent._heard) == MOST_KEPT


async def test_who_reads_slowly_gets_the_latest_and_no_queue():
    """A thousand prices of one symbol are one; too many tags are everything."""
    slow = stream()
    slow.greet({"BTC": b"0", "ETH": b"5"}, ["bars"])
    for number in range(1000):
        slow.offer({"BTC": b"%d" % number}, ["quotes"])
    assert await read(slow, 1) == [
        ("ready", {}),
        ("changed", {"tags": ["bars", "quotes"]}),
        ("quotes", [999, 5]),
    ]
    slow.offer({}, [f"trades:{number}" for number in range(MOST_TAGS + 1)])
    assert await read(slow, 1) == [("changed", {"tags": [EVERYTHING]})]


async def test_a_stream_ends_once_and_says_why():
    """What is offered after the end is not sent."""
    ended = stream()
    ended.end(STOPPED)
    ended.end(SIGNED_OUT)
    ended.offer({"BTC": b"1"}, ["quotes"])
    assert await read(ended, 1) == [("end", {"reason": STOPPED})]


async def test_a_stream_ends_with_its_session():
    """Without any event, at the session's absolute end."""
    started = time.monotonic()
    assert await asyncio.wait_for(read(stream(0.05), 1), 5) == [("end", {"reason": SIGNED_OUT})]
    assert time.monotonic() - started > 0.04


async def test_a_heartbeat_never_hides_the_greeting():
    """`ready` before all else, also when the heart beats at the same moment."""
    met = stream()
    met.greet({}, [])
    met.beat()
    assert await read(met, 1) == [("ready", {})]
    met.beat()
    assert await read(met, 1) == [("heartbeat", {})]
