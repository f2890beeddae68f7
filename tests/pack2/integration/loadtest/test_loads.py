"""Load tests under the real k6, against an application that answers at a URL."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvicorn
from tests.pack2.integration.loadtest.visited import Visited

from pack2.config import Accounts, Application, Config
from pack2.loadtest.errors import NoAnswerError, NotTestAccountsError, RateError
from pack2.loadtest.result import LoadResult, read_result
from pack2.loadtest.run import loadtest
from pack2.loadtest.site import ACCOUNTS
from pack2.regression.baseline import of_result
from pack2.regression.check import check

SCRIPT = Path("tests/pack2/examples/visits/load-test.js").resolve()
MACHINE = ("generator used", "were dropped", "other processes")


def config(email: str = "load-{number}@test.invalid") -> Config:
    accounts = Accounts(email=email, secret="visits", sign_in="/sign-in", password_variable="VISITS_PASSWORD")
    return Config(Application(command=(), load=(), load_test=str(SCRIPT), accounts=accounts))


@dataclass
class Served:
    app: Visited
    url: str
    out: Path

    def load(self, kind: str, rate: float, seconds: float, **options: Any) -> LoadResult:
        return loadtest(
            config(), kind, url=self.url, rate=rate, seconds=seconds, out=self.out, quiet=True, **options
        )


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The application on a free port; the state folder is the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VISITS_PASSWORD", "a password")
    app = Visited()
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Served(app, f"http://127.0.0.1:{port}", tmp_path / "out")
    server.should_exit = True
    thread.join()


def own_reasons(result: LoadResult) -> list[str]:
    """Reasons for invalid that do not come from this machine's other work."""
    return [reason for reason in result.invalid_reasons if not any(word in reason for word in MACHINE)]


def test_a_load_is_measured_judged_and_reported(served: Served) -> None:
    """Requests, whole visits (each visitor signs in once), routes; JSON, and a page of one file."""
    result = served.load("load", 260, 5)
    assert own_reasons(result) == []
    assert [row.name for row in result.thresholds if row.value is None] == []
    values = {row.name: row.value for row in result.thresholds}
    assert values["database p95"] == 1.5
    assert values["cache p95"] == 0.05
    assert values["errors"] == 0
    assert 200 < (values["throughput"] or 0) < 280
    kinds = {row.kind for row in result.routes}
    assert {"api", "write", "live", "report", "calculation"} <= kinds
    assert result.metrics["report_p95_ms"] is not None
    assert result.metrics["live_first_byte_p95_ms"] is not None
    assert (result.metrics["live_first_byte_p95_ms"] or 0) < 900
    assert served.app.streams_closed > 0
    assert result.metrics["sign_in_p95_ms"] is not None
    assert 1 <= served.app.asked["POST /sign-in"] - ACCOUNTS <= served.app.asked["POST /api/reports"]
    assert read_result(served.out / "load.json") == result
    page = (served.out / "load.html").read_text()
    assert not re.search(r"(?:src|href)=|url\(|@import", page)
    assert "a password" not in page + (served.out / "load.json").read_text()


def test_errors_fail_and_few_samples_are_invalid(served: Served) -> None:
    """Every fifth request is refused; three seconds at 20/s can not show a p99."""
    served.app.broken = True
    result = served.load("spike", 20, 3)
    assert result.verdict == "invalid"
    assert any(reason.startswith("errors is") for reason in result.fail_reasons)
    assert any("API p99 stands on" in reason for reason in result.invalid_reasons)


def test_stress_says_where_it_breaks(served: Served) -> None:
    """A route that answers 503 is not held at any rate."""
    served.app.broken = True
    result = served.load("stress", 50, 3)
    assert [step.is_held for step in result.steps] == [False]
    assert result.metrics["broken_rate"] == 50
    assert "not even 50/s was held" in result.fail_reasons[0]


@pytest.mark.alone
def test_stress_climbs_until_it_breaks(served: Served) -> None:
    """Three steps of two seconds, each half as much again; the errors of the last one are no failure."""
    served.app.bears = 400  # fifty sign-ins, two steps, and a part of the third
    result = served.load("stress", 60, 6)
    assert [step.rate for step in result.steps] == [60, 90, 135]
    assert [step.is_held for step in result.steps] == [True, True, False]
    assert (result.metrics["held_rate"], result.metrics["broken_rate"]) == (90, 135)
    assert "errors" in result.steps[-1].reason
    (errors,) = [row for row in result.thresholds if row.name == "errors"]
    assert (errors.value, errors.samples) == (0, pytest.approx(300, abs=10))
    assert [stage.rate for stage in result.stages] == [60, 90, 135]


@pytest.mark.deep
def test_a_planted_slowdown_is_found_and_named(served: Served) -> None:
    """The slow route takes 200 ms instead of 4: the check fails, names that route, and says what it was."""
    baseline = of_result(served.load("baseline", 150, 6, repeats=3))
    served.app.slow_seconds = 0.2
    found, _ = check(baseline, lambda: served.load("baseline", 150, 6, repeats=3))
    assert any(reason.startswith("GET /api/slow: response time p95 ") for reason in found.fail_reasons)


@pytest.mark.deep
@pytest.mark.timeout(900)  # 5 loads of 25 s where each check decides at once, 13 where all need three
def test_the_same_application_again_is_not_flagged(served: Served) -> None:
    """Four checks of an unchanged application: nothing is called worse."""
    baseline = of_result(served.load("baseline", 150, 25))
    for _ in range(4):
        found, _ = check(baseline, lambda: served.load("baseline", 150, 25))
        assert found.fail_reasons == ()


@pytest.mark.alone
def test_an_interruption_keeps_what_was_measured(served: Served) -> None:
    """Ctrl-C ends k6, writes the result as invalid, and leaves no process behind."""
    timer = threading.Timer(2.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    started = time.monotonic()
    result = served.load("load", 50, 60)
    timer.join()
    assert time.monotonic() - started < 25
    assert result.verdict == "invalid"
    assert any("interrupted after" in reason for reason in result.invalid_reasons)
    assert json.loads((served.out / "load.json").read_text())["verdict"] == "invalid"
    assert not [child for child in psutil.Process().children() if "k6" in child.name()]


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        ("someone@company.com", "has no number"),
        ("user-{number}@company.com", "company.com may belong to somebody"),
    ],
)
def test_real_accounts_are_refused(email: str, reason: str, tmp_path: Path) -> None:
    """Load is never sent as somebody: only generated accounts of a reserved domain."""
    with pytest.raises(NotTestAccountsError, match=reason):
        loadtest(config(email), "load", url="http://127.0.0.1:9", out=tmp_path, quiet=True)


def test_a_url_that_does_not_answer_is_told(tmp_path: Path) -> None:
    """Before any account is tried."""
    with pytest.raises(NoAnswerError, match="does not answer"):
        loadtest(config(), "load", url="http://127.0.0.1:9", out=tmp_path, quiet=True)


@pytest.mark.parametrize("options", [{"rate": 0}, {"rate": 1e6}, {"seconds": 1}])
def test_what_can_not_be_sent_is_refused(options: dict[str, float], tmp_path: Path) -> None:
    """A rate or duration out of range is told with what is possible."""
    with pytest.raises(RateError, match="is possible"):
        loadtest(config(), "load", out=tmp_path, quiet=True, **options)  # type: ignore[arg-type]
