"""`/api/metrics` of the dashboard as `adaf serve` runs it: two workers, one of them killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import psycopg
import pytest
from dashboard_site import PASSWORDS
from prometheus_client.parser import text_string_to_metric_families

from adaf.metrics.families import COUNTED, PROBED
from adaf.sample.passwords import set_passwords
from pack2.cache import feed_schema
from pack2.config import load_config
from pack2.monitoring.families import PROCESS, SERVERS
from pack2.proof.client import Answer, send
from pack2.services import PostgresServer
from pack2.services.ports import free_port

ROOT = Path(__file__).parents[3]
TOKEN = "a token of the scraper's"
WAIT_SECONDS = 60
TEMPLATE = "/api/portfolios/{portfolio_id:int}"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass
class Scraped:
    """A server of two workers, and what it counts."""

    url: str
    process: subprocess.Popen[bytes]
    database_url: str
    latest: Samples = field(default_factory=dict)

    def scrape(self) -> Samples:
        """What is exported; nothing where the connection broke, as it may when a worker is killed. No scrape,
        whichever worker answers it, shows less of what workers count than the one before.
        """
        answer = send(self.url, "/api/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        if answer.status == 0:
            return {}
        assert answer.status == 200, answer.body
        found = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for metric in text_string_to_metric_families(answer.body.decode())
            for sample in metric.samples
        }
        counted = {key: value for key, value in self.latest.items() if is_counted(key[0])}
        fallen = {
            key: (value, found.get(key)) for key, value in counted.items() if found.get(key, -1) < value
        }
        assert fallen == {}
        self.latest = found
        return found

    def until(self, holds: Callable[[Samples], bool]) -> Samples:
        """The first scrape of which `holds` is true; cells are handed over once a second."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not ((found := self.scrape()) and holds(found)):
            assert time.monotonic() < deadline, found
        return found

    def sign_in(self, role: str) -> str:
        body = json.dumps({"email": f"{role}@adaf.test", "password": getattr(PASSWORDS, role)}).encode()
        answer = self.ask("/api/auth/sign-in", "POST", body=body)
        token: str = json.loads(answer.body)["token"]
        return token

    def ask(
        self, path: str, method: str = "GET", token: str | None = None, body: bytes | None = None
    ) -> Answer:
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return send(self.url, path, method=method, headers=headers, body=body)

    def workers(self) -> list[psutil.Process]:
        """The processes that listen; the report worker beside them does not."""
        return [
            child
            for child in psutil.Process(self.process.pid).children()
            if any(connection.status == psutil.CONN_LISTEN for connection in child.net_connections("inet"))
        ]


@pytest.fixture(scope="module")
def scraped(
    postgres: PostgresServer, redis_url: str, sample_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scraped]:
    """`adaf serve --workers 2` on a copy of the sample data."""
    assert sample_database
    url = postgres.create_database("metrics", template="sample")
    feed_schema.apply(url, load_config(ROOT / "pack2.toml").cache.feed)
    with psycopg.connect(url, autocommit=True) as connection:
        set_passwords(connection, PASSWORDS)
    folder = tmp_path_factory.mktemp("metrics")
    for name in ("pack2.toml", "perf", "src"):
        (folder / name).symlink_to(ROOT / name)
    environment = {**os.environ, "DATABASE_URL": url, "REDIS_URL": redis_url, "PACK2_METRICS_TOKEN": TOKEN}
    command = [
        str(Path(sys.executable).parent / "adaf"),
        "serve",
        "--workers",
        "2",
        "--port",
        str(free_port()),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, bufsize=0
        )
    assert process.stdout
    try:
        line = process.stdout.readline().decode()
        assert line.startswith("serving http"), (folder / "log").read_text()
        yield Scraped(line.split()[1], process, url)
    finally:
        process.terminate()
        process.wait(30)
        postgres.drop_database("metrics")


def is_counted(name: str) -> bool:
    """Whether workers count it: a counter, or a part of a histogram."""
    family = {**PROCESS, **COUNTED}.get(name) or {**PROCESS, **COUNTED}.get(name.rpartition("_")[0])
    return family is not None and family.kind != "gauge"


def requests(found: Samples, route: str, status: str = "2xx") -> float:
    key = ("method", "GET"), ("route", route), ("status", status)
    return found.get(("pack2_http_requests_total", key), 0)


def one(found: Samples, name: str, **labels: str) -> float:
    return found[name, tuple(sorted(labels.items()))]


def test_every_worker_is_counted_and_none_is_forgotten(scraped: Scraped) -> None:
    """Requests over both workers add up exactly; what a killed worker counted stays when both have been
    replaced, one after the other; their gauges go.
    """
    token = scraped.sign_in("trader")
    ids = [item["id"] for item in json.loads(scraped.ask("/api/portfolios", token=token).body)["items"]]
    before = scraped.until(lambda found: one(found, "pack2_workers") == 2)
    paths = [f"/api/portfolios/{ids[number % len(ids)]}" for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda path: scraped.ask(path, token=token), paths))
    assert {answer.status for answer in answers} == {200}
    expected = requests(before, TEMPLATE) + 60
    scraped.until(lambda found: requests(found, TEMPLATE) == expected)
    started = one(before, "pack2_workers_started_total")
    for number, worker in enumerate(scraped.workers(), 1):
        worker.kill()
        after = scraped.until(partial(has_started, started + number))
    assert requests(after, TEMPLATE) == expected
    assert one(after, "adaf_sign_ins_total", result="admitted") >= 1
    assert one(after, "pack2_cache_requests_total", outcome="hit") > 0


def has_started(number: float, found: Samples) -> bool:
    """So many workers were started, and two are left."""
    return one(found, "pack2_workers_started_total") == number and one(found, "pack2_workers") == 2


def test_a_failure_is_counted(scraped: Scraped) -> None:
    """An exception in a handler is one more exception, and one more 5xx of its route."""
    token = scraped.sign_in("trader")
    before = one(scraped.until(bool), "pack2_http_exceptions_total")
    with psycopg.connect(scraped.database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE research_notes RENAME TO hidden")
        try:
            assert scraped.ask("/api/search?q=rate", token=token).status == 500
        finally:
            connection.execute("ALTER TABLE hidden RENAME TO research_notes")
    found = scraped.until(lambda samples: requests(samples, "/api/search", "5xx") == 1)
    assert one(found, "pack2_http_exceptions_total") == before + 1
    assert one(found, "pack2_database_query_errors_total") >= 1


def test_every_family_is_there(scraped: Scraped) -> None:
    """Fifty and more, each with the kind and the labels that it was declared with; nothing else."""
    scraped.ask("/api/market/assets", token=scraped.sign_in("trader"))
    families = {**PROCESS, **SERVERS, **COUNTED, **PROBED}
    found = scraped.until(lambda samples: ("pack2_event_loop_lag_seconds", ()) in samples)
    seen: dict[str, set[str]] = {}
    for name, labels in found:
        declared = name if name in families else name.rpartition("_")[0]
        seen.setdefault(declared, set()).update(key for key, _ in labels if key != "le")
    assert seen == {name: set(family.labels) for name, family in families.items()}
    assert len(seen) >= 50
    for server in ("postgresql", "redis"):
        assert one(found, "pack2_server_up", server=server) == 1
    assert one(found, "adaf_market_data_lag_seconds") > 0
    assert one(found, "pack2_postgresql_database_bytes") > 1_000_000


def test_only_the_scraper_and_operators_may_look(scraped: Scraped) -> None:
    """401 without, 403 for a trader, 200 for an operator."""
    statuses = [
        scraped.ask("/api/metrics", token=token).status
        for token in (None, "guess", scraped.sign_in("trader"), scraped.sign_in("operator"))
    ]
    assert statuses == [401, 401, 403, 200]


def test_paths_of_strangers_make_no_series(scraped: Scraped) -> None:
    """What no route matches is `other`, whatever it is called."""
    for number in range(20):
        scraped.ask(f"/stranger{number}/../%F0%9F%98%80")
    found = scraped.until(lambda samples: requests(samples, "other", "4xx") >= 20)
    assert not [key for key in found if "stranger" in str(key)]
