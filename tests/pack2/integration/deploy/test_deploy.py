"""Eight steps on real servers: once, twice, killed, without rights, taken back."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

SCHEMA = """
CREATE TABLE trades (id bigint PRIMARY KEY, owner integer NOT NULL, amount integer NOT NULL);
INSERT INTO trades SELECT n, n % 100, n FROM generate_series(1, {rows}) n;
CREATE VIEW totals AS SELECT owner, sum(amount) AS amount, count(*) AS trades FROM trades GROUP BY owner;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
"""
INDEXES = """
-- serves: of_owner
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_trades_owner ON trades (owner, amount);
"""
CONFIG = """
indexes = "indexes.sql"
rollups = [{ view = "totals" }]

[[cache.feed]]
table = "trades"
tags = ["trades"]

[[http.policy]]
route = "/trades"
scope = "public"
ttl_seconds = 60
tags = ["trades"]
"""
CATALOGUE = """
SELECT (SELECT array_agg(relname ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
       (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal),
       (SELECT count(*) FROM pg_index WHERE NOT indisvalid),
       (SELECT array_agg(proname ORDER BY proname) FROM pg_proc WHERE proname ~ 'pack2|maintenance')
"""


class Shop:
    """A small application's folder and database."""

    def __init__(self, folder: Path, url: str, redis_url: str) -> None:
        self.folder = folder
        self.url = url
        self.redis_url = redis_url

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "pack2", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": self.url,
            "REDIS_URL": self.redis_url,
            "PACK2_CONFIG": "pack2.toml",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), cwd=self.folder, env=self.environment, capture_output=True, text=True
        )

    def steps(self, *arguments: str) -> dict[str, tuple[str, str]]:
        answer = json.loads(self.run("deploy", "--json", *arguments).stdout)
        return {step["name"]: (step["state"], step["text"]) for step in answer["steps"]}

    def catalogue(self) -> object:
        with psycopg.connect(self.url) as connection:
            return connection.execute(CATALOGUE).fetchone()


def shop(folder: Path, url: str, redis_url: str, rows: int = 2000) -> Shop:
    (folder / "pack2.toml").write_text(CONFIG)
    (folder / "indexes.sql").write_text(INDEXES)
    with psycopg.connect(url) as connection:
        connection.execute(SCHEMA.format(rows=rows))
    return Shop(folder, url, redis_url)


@pytest.fixture
def small_shop(tmp_path: Path, database: str, redis_url: str) -> Shop:
    """A shop of two thousand trades."""
    return shop(tmp_path, database, redis_url)


def test_deploying_brings_all_and_rolling_back_takes_it_away(small_shop: Shop) -> None:
    """Every step says what it did; afterwards the database is as it was before."""
    before = small_shop.catalogue()
    steps = small_shop.steps()
    assert {name: state for name, (state, _) in steps.items()} == {
        "validate environment": "done",
        "indexes": "done",
        "cache": "done",
        "load tests": "skipped",
        "monitoring": "skipped",
        "build and smoke tests": "skipped",
        "health checks": "done",
        "baseline": "skipped",
    }, steps
    assert "1 built" in steps["indexes"][1]
    with psycopg.connect(small_shop.url) as connection:
        assert connection.execute("SELECT to_regclass('idx_trades_owner') IS NOT NULL").fetchone() == (True,)
        assert connection.execute("SELECT count(*) FROM maintenance_db_performance()").fetchone() is not None
    undone = small_shop.run("rollback")
    assert undone.returncode == 0, undone.stderr
    assert small_shop.catalogue() == before


def test_deploying_twice_changes_nothing(small_shop: Shop) -> None:
    """The second run finds everything there."""
    small_shop.steps()
    before = small_shop.catalogue()
    steps = small_shop.steps()
    assert "1 present" in steps["indexes"][1]
    assert small_shop.catalogue() == before


def test_a_dry_run_changes_nothing(small_shop: Shop) -> None:
    """The environment is validated, the rest is a plan."""
    before = small_shop.catalogue()
    steps = small_shop.steps("--dry-run")
    assert [state for state, _ in steps.values()] == ["done"] + ["planned"] * 7
    assert small_shop.catalogue() == before


def test_a_dry_run_says_what_is_missing(small_shop: Shop) -> None:
    """Of indexes, rollups and triggers, before and after they are there."""
    before = small_shop.steps("--dry-run")
    assert "0 of 1 indexes of indexes.sql; not: idx_trades_owner; 0 of 1 rollups" in before["indexes"][1]
    small_shop.steps()
    after = small_shop.steps("--dry-run")
    assert "1 of 1 indexes of indexes.sql; 1 of 1 rollups" in after["indexes"][1]
    assert "not:" not in after["cache"][1]


def test_rolling_back_twice_is_as_once(small_shop: Shop) -> None:
    """The second time there is nothing to take back, which is no failure."""
    before = small_shop.catalogue()
    small_shop.steps()
    for _ in range(2):
        undone = small_shop.run("rollback")
        assert undone.returncode == 0, undone.stderr
        assert small_shop.catalogue() == before


def test_lines_fit_and_name_every_step(small_shop: Shop) -> None:
    """What an operator reads: a numbered line a step."""
    lines = small_shop.run("deploy").stdout.splitlines()
    assert max(map(len, lines)) <= 100
    numbered = [line.split(".")[0] for line in lines if line[:1].isdigit()]
    assert numbered == ["1", "2", "3", "4", "5", "6", "7", "8"]


def test_a_failed_step_stops_the_run_and_says_what_to_do(small_shop: Shop) -> None:
    """Nothing after it is tried, the exit code is 1."""
    (small_shop.folder / "indexes.sql").write_text(INDEXES.replace("ON trades", "ON nowhere"))
    answer = small_shop.run("deploy")
    assert answer.returncode == 1
    assert "2. indexes" in answer.stdout
    assert "Load the schema first" in " ".join(answer.stdout.split())
    assert "3. cache" not in answer.stdout


def test_an_unreachable_redis_is_told_before_anything_changes(small_shop: Shop) -> None:
    """One line names the server without its password; no step has begun."""
    before = small_shop.catalogue()
    small_shop.redis_url = "redis://someone:secret@127.0.0.1:1/0"
    answer = small_shop.run("deploy")
    assert answer.returncode == 2
    assert "127.0.0.1:1" in answer.stderr
    assert "secret" not in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert small_shop.catalogue() == before


def test_a_rollback_waits_for_no_stale_answers(small_shop: Shop) -> None:
    """While a process answers from the cache its feed is not taken away."""
    small_shop.steps()
    before = small_shop.catalogue()
    with psycopg.connect(small_shop.url, application_name="pack2 change feed"):
        answer = small_shop.run("rollback")
        planned = small_shop.run("rollback", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    told, *parts = planned.stdout.replace("\n    ", " ").splitlines()
    assert told.startswith("processes")
    assert "PACK2=off" in told
    assert len(parts) == 5
    assert answer.returncode == 2
    assert "PACK2=off" in answer.stderr
    assert small_shop.catalogue() == before


@pytest.mark.parametrize("step", ["indexes", "cache"])
def test_a_killed_deployment_is_gone_on_with(small_shop: Shop, step: str) -> None:
    """SIGKILL within a step that an open transaction holds up; the next run says so and ends the work."""
    if step == "cache":
        assert small_shop.run("indexes", "apply").returncode == 0
        assert small_shop.run("rollup", "apply").returncode == 0
    with psycopg.connect(small_shop.url) as writer:
        writer.execute("UPDATE trades SET amount = amount + 1 WHERE id = 1")
        process = subprocess.Popen(
            small_shop.command("deploy"),
            cwd=small_shop.folder,
            env=small_shop.environment,
            stdout=subprocess.DEVNULL,
        )
        wait_for_a_lock(small_shop.url, process)
        process.kill()
        process.wait()
    answer = json.loads(small_shop.run("deploy", "--json").stdout)
    assert answer["resumed_after"] == step
    assert "failed" not in {one["state"] for one in answer["steps"]}, answer
    with psycopg.connect(small_shop.url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid").fetchone() == (0,)
        total = connection.execute("SELECT sum(amount), sum(trades) FROM totals").fetchone()
        assert total == connection.execute("SELECT sum(amount), count(*) FROM trades").fetchone()


def wait_for_a_lock(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until a session of this database waits for another one."""
    query = (
        "SELECT FROM pg_stat_activity"
        " WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
    )
    deadline = time.monotonic() + 30
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(query).fetchone() is None:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_two_deployments_at_once_take_no_turns(small_shop: Shop) -> None:
    """The second is refused with the reason: it would wait for minutes without a word."""
    folder = small_shop.folder / ".pack2"
    folder.mkdir()
    with (folder / "deploy.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        answer = small_shop.run("deploy")
    assert answer.returncode == 2
    assert "Another deployment" in answer.stderr
