"""`adaf feed` on a real database: whole minutes, one feed at a time, going on where the market stands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from adaf.market.bar_import import NoDashboardError
from adaf.market.feed import FeedInterruptedError, FeedRunningError, NothingToReplayError, feed

PROGRAM = "from adaf.cli import main; main()"
FAST = 60_000.0
NEW_MINUTES = """
SELECT ts, count(*), bool_and(low <= least(open, close) AND greatest(open, close) <= high)
FROM market_data WHERE ts >= %s GROUP BY ts ORDER BY ts
"""
QUOTES = "SELECT a.symbol, q.ts, q.price FROM quotes q JOIN assets a ON a.id = q.asset_id ORDER BY a.symbol"


def rows(url: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query, values).fetchall()


def market_now(url: str) -> datetime:
    now: datetime = rows(url, "SELECT market_now()")[0][0]
    return now


def written(url: str, since: datetime) -> int:
    """How many new minutes stand there; fails where one is half, impossible or missing."""
    minutes = rows(url, NEW_MINUTES, since)
    assets = rows(url, "SELECT count(*) FROM assets WHERE is_active")[0][0]
    assert all(count == assets and is_possible for _, count, is_possible in minutes)
    assert all(later[0] - earlier[0] == timedelta(minutes=1) for earlier, later in pairwise(minutes))
    assert not minutes or minutes[0][0] == since
    return len(minutes)


def started(url: str, *arguments: str, minutes: int = 1) -> subprocess.Popen[str]:
    """`adaf feed`, which has committed `minutes` and more."""
    wanted = market_now(url) + timedelta(minutes=minutes)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "feed", *arguments],
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a run in the background ignores it
    )
    deadline = time.monotonic() + 30
    while market_now(url) < wanted:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


def test_new_minutes_continue_the_market_and_are_announced(sample_copy: str) -> None:
    """One commit and one announcement a minute; bars, quotes and the market's clock agree."""
    begin, before = market_now(sample_copy), rows(sample_copy, QUOTES)
    with psycopg.connect(sample_copy, autocommit=True) as listener:
        listener.execute("LISTEN pack2")
        fed = list(feed(sample_copy, speed=600, most_minutes=3))
        heard = [notice.payload for notice in listener.notifies(timeout=5, stop_after=3)]
    assert heard == ["bars\nquotes"] * 3
    assert [row.minutes for row in fed] == [1, 2, 3]
    assert fed[-1].bars == 3 * len(before)
    assert written(sample_copy, begin) == 3
    after = rows(sample_copy, QUOTES)
    assert {ts for _, ts, _ in after} == {begin + timedelta(minutes=3)} == {market_now(sample_copy)}
    assert [price for *_, price in after] != [price for *_, price in before]
    assert all(abs(new[2] / old[2] - 1) < 0.2 for old, new in zip(before, after, strict=True))


@pytest.mark.alone
def test_the_speed_is_kept(sample_copy: str) -> None:
    """At 1200 minutes a minute, twenty take a second: two in each commit."""
    begun = time.monotonic()
    fed = list(feed(sample_copy, speed=1200, most_minutes=20))
    took = time.monotonic() - begun
    assert [row.minutes for row in fed] == list(range(2, 21, 2))
    assert took > 0.95
    assert took < 5


def test_the_end_of_a_month_is_no_end(sample_copy: str) -> None:
    """The partition of the next month is there before its first minute."""
    last = datetime(2027, 5, 31, 23, 59, tzinfo=UTC)
    with psycopg.connect(sample_copy, autocommit=True) as connection:
        connection.execute("SELECT create_market_data_partitions(%s, %s)", (last, last))
        connection.execute("UPDATE quotes SET ts = %s", (last,))
        connection.execute(
            "INSERT INTO market_data SELECT id, %s + minute * interval '1 minute', 5, 6, 4, 5, 1"
            " FROM assets, generate_series(0, 1) AS minute WHERE is_active",
            (last - timedelta(days=7),),
        )
    list(feed(sample_copy, speed=FAST, most_minutes=2))
    assert written(sample_copy, last) == 2
    assert rows(sample_copy, "SELECT count(*) > 0 FROM market_data_2027_06") == [(True,)]


def test_a_second_feed_is_refused_until_the_first_ends(sample_copy: str) -> None:
    """Two would move the market twice; the refusal writes nothing."""
    begin = market_now(sample_copy)
    with closing(feed(sample_copy, speed=FAST)) as first:
        next(first)
        told = subprocess.run(
            [sys.executable, "-c", PROGRAM, "feed", "--minutes", "1"],
            env={**os.environ, "DATABASE_URL": sample_copy},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert told.returncode == 2
        assert "Another `adaf feed`" in told.stderr
        with pytest.raises(FeedRunningError):
            next(feed(sample_copy, speed=FAST))
    count = written(sample_copy, begin)
    list(feed(sample_copy, speed=600, most_minutes=1))
    assert written(sample_copy, begin) == count + 1


def test_after_a_kill_the_next_feed_goes_on(sample_copy: str) -> None:
    """SIGKILL leaves whole minutes, no gap, and no lock."""
    begin = market_now(sample_copy)
    process = started(sample_copy, "--speed", str(FAST))
    process.kill()
    process.communicate()
    count = written(sample_copy, begin)
    assert count > 0
    deadline = time.monotonic() + 10
    while True:
        try:
            list(feed(sample_copy, speed=600, most_minutes=2))
            break
        except FeedRunningError:
            assert time.monotonic() < deadline
    assert written(sample_copy, begin) == count + 2


def test_ctrl_c_ends_it_with_what_was_written(sample_copy: str) -> None:
    """Exit code 0, and the summary is what stands in the database, but for a commit that was under way."""
    begin = market_now(sample_copy)
    process = started(sample_copy, "--speed", "600", "--json", minutes=2)  # of the first it knows then
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    told = json.loads(out)
    assert told["minutes"] > 0
    assert datetime.fromisoformat(told["last"]) == begin + timedelta(minutes=told["minutes"] - 1)
    assert told["minutes"] <= written(sample_copy, begin) <= told["minutes"] + 1


def test_a_lost_database_is_told(sample_copy: str) -> None:
    """What was committed stays, and the message says what to do."""
    begin = market_now(sample_copy)
    running = feed(sample_copy, speed=FAST)
    next(running)
    cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    assert rows(sample_copy, f"{cut} AND datname = current_database()")[0][0] >= 1
    with pytest.raises(FeedInterruptedError, match="Start `adaf feed` again"):
        list(running)
    assert written(sample_copy, begin) == round(FAST / 600)


def test_where_nothing_can_be_replayed_it_is_told(database: str, sample_copy: str) -> None:
    """No tables, or no bars."""
    with pytest.raises(NoDashboardError):
        next(feed(database, speed=60))
    with psycopg.connect(sample_copy, autocommit=True) as connection:
        connection.execute("TRUNCATE market_data")
    with pytest.raises(NothingToReplayError):
        next(feed(sample_copy, speed=60))
