"""The change feed on a real PostgreSQL: triggers, messages, proofs and gaps."""

from __future__ import annotations

import asyncio
import statistics
from time import perf_counter
from typing import Any

import asyncpg
import psycopg
import pytest
from asgi_client import ask, until
from notebook import FEED, config, world

from pack2.cache import Cache, ChangeFeed, feed_schema
from pack2.cache.feed import TRUST_SECONDS
from pack2.cache.triggers import FeedError
from pack2.config import FeedTable

TABLES = """
CREATE TABLE books (id int PRIMARY KEY, owner_id int);
CREATE TABLE trades (id serial, book_id int, note json) PARTITION BY RANGE (id);
CREATE TABLE trades_1 PARTITION OF trades FOR VALUES FROM (1) TO (10000000);
INSERT INTO books SELECT n, n * 10 FROM generate_series(1, 30000) AS n;
"""
FEEDS = (
    FeedTable(
        "trades",
        ("book:{book_id}",),
        "SELECT 'user:' || b.owner_id FROM changed JOIN books b ON b.id = changed.book_id",
    ),
    FeedTable("books", ("book:{id}", "user:{owner_id}"), events=("update", "delete")),
)


@pytest.fixture
def patient_feed() -> None:
    """None: here the feed has the patience that it has in use."""


class Listener:
    """A connection that listens on the feed's channel."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        self.connection.execute("LISTEN pack2")

    def after(self, sql: str) -> list[str]:
        """The messages that `sql` brings."""
        self.connection.execute(sql)
        return [message.payload for message in self.connection.notifies(timeout=0.05)]


@pytest.fixture
def listener(database: str) -> Any:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(TABLES)
    feed_schema.apply(database, FEEDS)
    made = Listener(database)
    yield made
    made.connection.close()


def test_a_statement_announces_each_tag_once(listener: Listener) -> None:
    """By templates and by SQL, in one message."""
    sql = "INSERT INTO trades (book_id) VALUES (1), (2), (1)"
    assert listener.after(sql) == ["book:1\nbook:2\nuser:10\nuser:20"]


def test_an_update_announces_where_a_row_was_and_where_it_is(listener: Listener) -> None:
    """And nothing where no row changed."""
    listener.after("INSERT INTO trades (book_id) VALUES (2)")
    sql = "UPDATE trades SET book_id = 3 WHERE book_id = 2"
    assert listener.after(sql) == ["book:2\nbook:3\nuser:20\nuser:30"]
    assert listener.after(sql) == []


def test_a_partition_that_is_written_itself_announces_too(listener: Listener) -> None:
    """The parent's triggers do not fire then."""
    assert listener.after("INSERT INTO trades_1 (book_id) VALUES (4)") == ["book:4\nuser:40"]


def test_events_that_are_left_out_announce_nothing(listener: Listener) -> None:
    """An insert into `books` changes no answer."""
    assert listener.after("INSERT INTO books VALUES (0, 0)") == []
    assert listener.after("DELETE FROM books WHERE id = 0") == ["book:0\nuser:0"]


def test_many_tags_are_several_messages_and_very_many_are_everything(listener: Listener) -> None:
    """No write fails because its tags do not fit a message."""
    sql = "INSERT INTO trades (book_id) SELECT n FROM generate_series(1, {}) AS n"
    messages = listener.after(sql.format(1000))
    assert len(messages) > 1
    assert len({tag for message in messages for tag in message.split("\n")}) == 2000
    assert listener.after(sql.format(30_000)) == ["*"]
    assert listener.after("TRUNCATE trades") == ["*"]


def test_a_rolled_back_write_announces_nothing(listener: Listener) -> None:
    """Only what was committed is a change."""
    assert listener.after("BEGIN; INSERT INTO trades (book_id) VALUES (1); ROLLBACK") == []


def test_announce_sends_the_tags_of_a_batch(listener: Listener) -> None:
    """Ingestion calls it once."""
    assert listener.after("SELECT pack2_announce('bars', 'quotes', 'bars')") == ["bars\nquotes"]


def test_a_writer_needs_no_right_on_what_the_tags_read(listener: Listener) -> None:
    """The functions run with their owner's rights, on a fixed search path."""
    listener.connection.execute("CREATE SCHEMA trap; CREATE TABLE trap.books (id int, owner_id text)")
    listener.connection.execute("SET search_path = trap, public")
    assert listener.after("INSERT INTO public.trades (book_id) VALUES (1)") == ["book:1\nuser:10"]


def test_apply_is_idempotent_and_status_tells_differences(listener: Listener, database: str) -> None:
    """Applied, missing, changed, disabled, left over."""

    def states(feeds: Any) -> set[str]:
        return {state.state for state in feed_schema.status(database, feeds)}

    assert {state.state for state in feed_schema.apply(database, FEEDS)} == {"applied"}
    assert states(FEEDS[:1]) == {"applied", "left over"}
    assert states((FEEDS[0], FeedTable("books", ("other:{id}",)))) == {"applied", "changed", "missing"}
    listener.connection.execute("ALTER TABLE books DISABLE TRIGGER pack2_feed_update")
    assert states(FEEDS) == {"applied", "disabled"}
    feed_schema.apply(database, FEEDS)
    assert states(FEEDS) == {"applied"}
    feed_schema.apply(database, FEEDS[:1])
    assert states(FEEDS[:1]) == {"applied"}


def test_rollback_leaves_nothing_behind(listener: Listener, database: str) -> None:
    """Neither trigger nor function."""
    assert feed_schema.rollback(database) == 10
    assert listener.after("INSERT INTO trades (book_id) VALUES (1)") == []
    left = listener.connection.execute("SELECT count(*) FROM pg_proc WHERE proname LIKE 'pack2%'").fetchone()
    assert left == (0,)


@pytest.mark.parametrize(
    ("feed", "reason"),
    [
        (FeedTable("nowhere", ("a",)), "no such table"),
        (FeedTable("books", ("a:{nothing}",)), "nothing does not exist"),
        (FeedTable("books", tags_sql="SELECT nonsense"), "nonsense"),
    ],
)
def test_what_the_database_does_not_have_is_told_when_applied(
    listener: Listener, database: str, feed: FeedTable, reason: str
) -> None:
    """Not by the first write that fails; and nothing is half applied."""
    with pytest.raises(FeedError, match=reason):
        feed_schema.apply(database, [*FEEDS, feed] if feed.table != "books" else [FEEDS[0], feed])
    assert {state.state for state in feed_schema.status(database, FEEDS)} == {"applied"}


@pytest.mark.alone
async def test_expiry_reaches_another_worker_within_50_ms(database: str, redis_url: str) -> None:
    """Committed here, fresh there: the median of 20 writes."""
    async with world(database, redis_url, workers=2) as made:
        token = await made.sign_in(1)
        waits = []
        for version in range(1, 21):
            await ask(made.workers[1], "/notes/10", token)
            await made.write("UPDATE notes SET version = version + 1 WHERE id = 10")
            committed_at = perf_counter()
            while (await ask(made.workers[1], "/notes/10", token)).json["version"] < version:
                pass
            waits.append(perf_counter() - committed_at)
        assert statistics.median(waits) < 0.05


async def test_another_row_expires_nothing_here(database: str, redis_url: str) -> None:
    """Narrow tags: another user's write leaves my entries alone."""
    async with world(database, redis_url) as made:
        (worker,) = made.workers
        token = await made.sign_in(1)
        for path in ("/notes/10", "/mine", "/board"):
            await ask(worker, path, token)
        messages = worker.cache.feed.messages
        await made.write("UPDATE notes SET version = 5 WHERE id = 20")
        await until(lambda: worker.cache.feed.messages > messages)
        for path in ("/notes/10", "/mine", "/board"):
            assert (await ask(worker, path, token)).is_hit


async def test_a_lost_connection_bypasses_until_it_is_proved_and_flushed(
    database: str, redis_url: str
) -> None:
    """What was committed in the gap is seen at once after it."""
    async with world(database, redis_url) as made:
        (worker,) = made.workers
        token = await made.sign_in(1)
        await ask(worker, "/notes/10", token)
        flushes = worker.cache.feed.flushes
        kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        await made.pool.fetch(f"{kill} AND application_name = 'pack2 change feed'")
        await made.write("UPDATE notes SET version = 9 WHERE id = 10")
        await until(lambda: worker.cache.feed.flushes > flushes and worker.cache.is_trusted())
        reply = await ask(worker, "/notes/10", token)
        assert (reply.json["version"], reply.is_hit) == (9, False)
        assert (await ask(worker, "/notes/10", token)).is_hit


async def test_a_feed_that_falls_silent_is_not_trusted(database: str) -> None:
    """A connection that is open and brings nothing is found by its missing heartbeats."""
    async with world(database, None) as made:
        (worker,) = made.workers
        token = await made.sign_in(1)
        await ask(worker, "/notes/10", token)
        worker.cache.feed._heartbeat_channel += "_lost"
        await until(lambda: not worker.cache.is_trusted(), TRUST_SECONDS + 3)
        assert (await ask(worker, "/notes/10", token)).cache_status.endswith("unproved")


async def test_an_old_heartbeat_proves_only_its_own_time(database: str) -> None:
    """A process that was stopped finds heartbeats in its socket that were sent before what it missed."""
    feed = ChangeFeed(database)
    async with Cache(feed=feed) as cache:
        feed._sent_at -= 10
        feed._on_heartbeat(None, 0, "", str(feed._sent - 1))
        assert cache.is_trusted()
        feed._arrived = asyncio.get_running_loop().create_future()
        feed._on_heartbeat(None, 0, "", str(feed._sent))
        assert not cache.is_trusted()


async def test_without_a_reachable_postgresql_the_application_still_starts() -> None:
    """The cache is bypassed and keeps trying."""
    feed = ChangeFeed("postgresql://nobody@127.0.0.1:1/none")
    async with Cache(feed=feed) as cache:
        assert not cache.is_trusted()


async def test_expire_and_delete_reach_the_other_processes(database: str, redis_url: str) -> None:
    """The announcement goes through PostgreSQL, whoever calls."""
    async with (
        Cache(redis_url=redis_url, namespace=database, feed=ChangeFeed(database)) as one,
        Cache(redis_url=redis_url, namespace=database, feed=ChangeFeed(database)) as two,
    ):
        source = 1

        async def load() -> int:
            return source

        async def read(cache: Cache) -> int:
            return await cache.get("k", load, type=int, ttl_seconds=60, tags=("t",), stale_seconds=30)

        assert [await read(one), await read(two)] == [1, 1]
        source = 2
        await one.delete("k", type=int)
        await until(lambda: len(two.memory) == 0)
        assert [await read(two), await read(one)] == [2, 2]
        source = 3
        assert [await read(one), await read(two)] == [2, 2]


def test_the_notebooks_feed_is_valid() -> None:
    """The world that other tests use is what it says."""
    assert config().cache.feed == FEED
    assert asyncpg.__version__
