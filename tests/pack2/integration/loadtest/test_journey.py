"""`journey.js` under the real k6, against a server of ours that counts what it is asked."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn

from pack2.loadtest import K6Run, Scenario, run_k6
from pack2.loadtest.errors import LoadScriptError

SCRIPT = Path(__file__).parents[2] / "examples" / "echo" / "load-test.js"
DECK = 500


@dataclass
class Echo:
    """A pure ASGI application: remembers (method, path, query, token), answers at once or freezes on
    command."""

    asked: list[tuple[str, str, str, str]] = field(default_factory=list)
    freeze: tuple[float, float] | None = None  # (every, for) seconds
    next_freeze: float = 0.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        if self.freeze is not None and time.monotonic() >= self.next_freeze:
            self.next_freeze = time.monotonic() + self.freeze[0]
            time.sleep(self.freeze[1])  # noqa: ASYNC251  a frozen process is the point
        token = dict(scope["headers"]).get(b"authorization", b"").decode()
        self.asked.append((scope["method"], scope["path"], scope["query_string"].decode(), token))
        body = json.dumps(list(range(20))).encode() if scope["path"] == "/api/items" else b"{}"
        headers = [(b"server-timing", b"db;dur=1.25, app;dur=2")]
        headers += [(b"cache-status", b"echo; fwd=miss")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@dataclass
class Served:
    echo: Echo
    url: str
    parameters: Path

    def run(self, name: str, rate: float = 100, seconds: float = 2, offset: int = 0, **options: Any) -> K6Run:
        environment = {"PARAMETERS_FILE": str(self.parameters), "SEED": "7"}
        return run_k6(SCRIPT, self.url, Scenario(name, rate, seconds, offset, **options), environment)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """The echo server on a free port, its parameters discovered by the script."""
    echo = Echo()
    server = uvicorn.Server(uvicorn.Config(echo, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps([{"email": f"{n}@test.invalid", "token": f"t{n}"} for n in range(10)]))
    found = Served(echo, f"http://127.0.0.1:{port}", tmp_path / "parameters.json")
    environment = {"TOKENS_FILE": str(tokens), "PARAMETERS_FILE": str(found.parameters)}
    run_k6(SCRIPT, found.url, Scenario("discover", 1, 1), environment)
    echo.asked.clear()
    yield found
    server.should_exit = True
    thread.join()


def test_discovery_writes_parameters_samples_and_the_mix(served: Served) -> None:
    """What later runs and the comparison of answers need is found once, through the API."""
    parameters = json.loads(served.parameters.read_text())
    assert parameters["items"] == list(range(20))
    assert Counter(sample["name"] for sample in parameters["samples"]) == {
        "GET /api/often": 3,
        "GET /api/seldom": 3,
        "GET /rare": 3,
    }
    assert {row["name"]: row["share"] for row in parameters["mix"]} == {
        "GET /api/often": 0.70,
        "GET /api/seldom": 0.24,
        "GET /rare": 0.01,
        "POST /api/write": 0.05,
    }


def test_a_deck_has_exactly_the_weights(served: Served) -> None:
    """500 requests hold every route as often as its weight says: no slice is luckier than another."""
    run = served.run("smoke")
    assert Counter(run.records.name.tolist()) == {
        "GET /api/often": 350,
        "GET /api/seldom": 120,
        "GET /rare": 5,
        "POST /api/write": 25,
    }
    assert Counter(method + " " + path for method, path, *_ in served.echo.asked) == Counter(
        run.records.name.tolist()
    )


def test_the_sequence_is_seeded_and_its_parts_differ(served: Served) -> None:
    """The same offset sends the same requests; warm-up's part sends others of the same mixture."""
    for offset in (0, 0, DECK):
        served.run("smoke", offset=offset)
    first, again, other = (served.echo.asked[n * DECK : (n + 1) * DECK] for n in range(3))
    assert first == again
    assert first != other
    paths = [Counter(request[:2] for request in part) for part in (first, other)]
    assert paths[0] == paths[1]


def test_few_accounts_ask_for_most(served: Served) -> None:
    """Accounts follow Zipf's law: of ten, the first makes 34 % of the requests."""
    served.run("smoke")
    tokens = Counter(token for *_, token in served.echo.asked)
    assert len(tokens) == 10
    assert 0.31 < tokens["Bearer t0"] / DECK < 0.37


@pytest.mark.alone
def test_an_arrival_rate_is_kept_and_each_request_recorded(served: Served) -> None:
    """200 requests in two seconds at 100/s; headers become a cache outcome and a database time."""
    run = served.run("latency", rate=100, seconds=2)
    load = run.records.where(run.records.kind != "ingest")
    assert abs(len(load) - 200) <= 2
    assert run.dropped == 0
    assert set(load.cache.tolist()) == {0}
    assert set(load.database_ms.tolist()) == {1.25}
    assert 0 < run.cpu_ratio < 1.5


def test_the_operator_ingests_beside_the_load(served: Served) -> None:
    """One batch is posted in a slice, numbered on from the last slice's, and counted as no user's request."""
    run = served.run("latency", rate=20, seconds=4, ingest_from=6)
    assert (run.records.kind == "ingest").sum() == 1
    assert ("POST", "/api/bars", "", "Bearer operator") in served.echo.asked


def test_writes_alone_hold_nothing_else(served: Served) -> None:
    """The writes' scenario draws from the routes that write."""
    run = served.run("writes", rate=20, seconds=2)
    assert set(run.records.name.tolist()) == {"POST /api/write"}


def test_too_few_virtual_users_drop_arrivals_and_say_so(served: Served) -> None:
    """An arrival that finds no free user is dropped, counted, and makes a slice unsound."""
    served.echo.freeze = (1.0, 0.5)
    run = served.run("latency", rate=300, seconds=3, vus=1)
    assert run.dropped_ratio > 0.001


def test_a_broken_script_is_named(tmp_path: Path) -> None:
    """k6's own message comes with the script's path."""
    broken = tmp_path / "broken.js"
    broken.write_text("export default function () { this is no script }")
    with pytest.raises(LoadScriptError, match=r"broken\.js"):
        run_k6(broken, "http://127.0.0.1:1", Scenario("smoke", 1, 1), {})


@pytest.mark.deep
def test_a_server_that_freezes_can_not_hide_it(served: Served) -> None:
    """Frozen for one second in four, p95 is above 500 ms: arrivals do not wait for answers."""
    served.echo.freeze = (4.0, 1.0)
    run = served.run("latency", rate=100, seconds=12)
    load = run.records.where(run.records.kind != "ingest")
    assert run.dropped == 0
    assert float(np.percentile(load.duration_ms, 95)) > 500
    assert float(np.percentile(load.duration_ms, 50)) < 200
