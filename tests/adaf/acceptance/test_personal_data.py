"""Nothing personal leaves the dashboard by its side doors: logs, statistics, metrics, the cache's memory.

A person with an unmistakable name is planted and uses a running server, its faults included; then everything
that the server, PostgreSQL and Valkey wrote or hold is searched for them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import redis
from dashboard_site import PASSWORDS, Server
from tests.pack2.process_memory import memory_of

from adaf.sample.passwords import set_passwords
from pack2.cache import feed_schema
from pack2.config import load_config
from pack2.http.configure import namespace_of
from pack2.proof.client import Answer, send
from pack2.services import PostgresServer, Services

ROOT = Path(__file__).parents[3]
MARK = f"planted{uuid4().hex[:10]}"
EMAIL = f"{MARK}mail@adaf.test"
PAGES = ("/", "/portfolio/{id}", "/market", "/signals", "/alerts", "/strategies", "/reports")
READS = (
    "/api/auth/me",
    "/api/overview",
    "/api/portfolios",
    "/api/portfolios/{id}",
    "/api/portfolios/{id}/transactions",
)
SIDE_DOORS = ("/api/metrics", "/api/health")


@dataclass
class Person:
    """Whom the server knows: the address, the log that it writes, what the person is called and has."""

    url: str
    log: Path
    database_url: str
    portfolio_id: int
    token: str = ""

    def sign_in(self, email: str, password: str) -> int:
        """The status; whatever is asked from now on is asked as this user."""
        self.token = ""
        answer = self.ask("/api/auth/sign-in", "POST", email=email, password=password)
        self.token = json.loads(answer.body).get("token", "")
        return answer.status

    def ask(self, path: str, method: str = "GET", **body: object) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        content = json.dumps(body).encode() if body else None
        path = path.replace("{id}", str(self.portfolio_id))
        return send(self.url, path, method=method, headers=headers if self.token else {}, body=content)


@pytest.fixture(scope="module")
def person(
    postgres: PostgresServer, redis_url: str, sample_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Person]:
    """The trader, renamed, on a server of their own with the performance pack on."""
    url = postgres.create_database("personal", template="sample")
    assert sample_database
    feed_schema.apply(url, load_config(ROOT / "pack2.toml").cache.feed)
    with psycopg.connect(url, autocommit=True) as connection:
        set_passwords(connection, PASSWORDS)
        row = connection.execute(
            "UPDATE users SET email = %s, name = %s WHERE email = 'trader@adaf.test' RETURNING id",
            (EMAIL, f"{MARK}name"),
        ).fetchone()
        assert row is not None
        found = connection.execute(
            "UPDATE portfolios SET name = %s WHERE id ="
            " (SELECT min(id) FROM portfolios WHERE owner_id = %s AND NOT is_archived) RETURNING id",
            (f"{MARK}portfolio", row[0]),
        ).fetchone()
        assert found is not None
    log = tmp_path_factory.mktemp("personal") / "granian.log"
    key = base64.b64encode(bytes(32)).decode()
    with Server(url, log, PACK2="on", REDIS_URL=redis_url, PACK2_CACHE_KEY=key) as address:
        yield Person(address, log, url, found[0])
    postgres.drop_database("personal")


@pytest.fixture(scope="module")
def marks(person: Person) -> dict[str, bytes]:
    """What the person did, and every word of it that must not be found: pages, a trade, mistakes, a fault."""
    wrong, note, query = (f"{MARK}{what}" for what in ("wrong", "note", "query"))
    assert person.sign_in(EMAIL, wrong) == 401
    assert person.sign_in(EMAIL, PASSWORDS.trader) == 200
    for path in (*PAGES, *READS):
        assert [person.ask(path).status for _ in range(2)] == [200, 200], path
    trade = {"symbol": "BTC", "side": "buy", "quantity": "0.001", "note": note}
    assert person.ask("/api/portfolios/{id}/transactions", "POST", **trade).status == 201
    refused = person.ask(
        "/api/portfolios/{id}/transactions", "POST", **{**trade, "quantity": f"{MARK}quantity"}
    )
    assert refused.status == 400
    assert person.ask(f"/api/search?q={query}&limit={query}").status == 400
    with psycopg.connect(person.database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE research_notes RENAME TO hidden")
        assert person.ask(f"/api/search?q={query}").status == 500
        connection.execute("ALTER TABLE hidden RENAME TO research_notes")
    return {
        "any": MARK.encode(),
        "password": PASSWORDS.trader.encode(),
        "token": person.token.encode(),
    }


def found(content: bytes, marks: dict[str, bytes]) -> list[str]:
    return [name for name, mark in marks.items() if mark in content]


def test_the_person_is_what_the_dashboard_shows(person: Person, marks: dict[str, bytes]) -> None:
    """The search below could find them: to themselves they are shown by name."""
    assert found(person.ask("/api/auth/me").body, marks) == ["any"]
    assert found(person.ask("/api/portfolios/{id}/transactions").body, marks) == ["any"]


def test_logs_hold_nothing_personal(
    person: Person, marks: dict[str, bytes], running_services: Services
) -> None:
    """The application's, which tells of the fault, PostgreSQL's, which tells of it too, and Valkey's."""
    state = running_services.state
    logs = {name: state.log(name).read_bytes() for name in ("postgres", "valkey")}
    logs["adaf"] = person.log.read_bytes()
    assert b"GET /api/search failed" in logs["adaf"]
    assert b'relation "research_notes" does not exist' in logs["postgres"]
    assert [(name, mark) for name, log in logs.items() for mark in found(log, marks)] == []


def test_statistics_and_metrics_hold_nothing_personal(person: Person, marks: dict[str, bytes]) -> None:
    """PostgreSQL's statements have placeholders; what is measured has no names."""
    with psycopg.connect(person.database_url) as connection:
        rows = connection.execute("SELECT query FROM pg_stat_statements").fetchall()
    assert len(rows) > 20
    assert found(json.dumps(rows).encode(), marks) == []
    person.sign_in("operator@adaf.test", PASSWORDS.operator)
    answers = [person.ask(path) for path in SIDE_DOORS]
    assert [answer.status for answer in answers] == [200, 200]
    assert b"pack2_http_requests_total" in answers[0].body
    assert [found(answer.body, marks) for answer in answers] == [[] for _ in answers]


def test_the_caches_memory_holds_nothing_personal(
    person: Person, marks: dict[str, bytes], running_services: Services
) -> None:
    """What the person saw is sealed, no key holds their session; a plain value would be found."""
    redis_url, control = running_services.redis.url, f"control{uuid4().hex}"
    with redis.Redis.from_url(redis_url) as client:
        client.set(control, control, px=60_000)
        assert any(client.scan_iter(f"{namespace_of('adaf', person.database_url)}:*:e:*"))
    memory = memory_of(running_services.redis.pid)
    assert control.encode() in memory
    assert found(memory, marks) == []
