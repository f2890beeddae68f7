"""What the checklists ask of others: Prometheus as it is, Grafana's two routes, a process that listens."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from pack2.config import Config
from pack2.deploy.checklist.alerts import alert_limits
from pack2.deploy.checklist.grafana import dashboard_loads
from pack2.deploy.checklist.model import Deployed
from pack2.deploy.model import Target
from pack2.loadtest.histogram import histogram
from pack2.loadtest.meter import listener
from pack2.loadtest.result import RunDigest
from pack2.regression.baseline import Baseline, path_of
from pack2.services.ports import free_port

FOUND: list[dict[str, Any]] = [{"uid": "p2", "title": "Performance"}]
LOADED = {"dashboard": {"panels": [{"id": 1}, {"id": 2}]}}


class Grafana(BaseHTTPRequestHandler):
    """Answers like Grafana does: who has the token finds `answers` of a path, others are refused."""

    answers: dict[str, Any]

    def do_GET(self) -> None:
        allowed = self.headers["Authorization"] == "Bearer viewer"
        content = self.answers.get(self.path.partition("?")[0])
        status = 401 if not allowed else 404 if content is None else 200
        body = json.dumps(content if status == 200 else {"message": "no"}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@contextmanager
def grafana(answers: dict[str, Any]) -> Iterator[str]:
    handler = type("Handler", (Grafana,), {"answers": answers})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/grafana/"
        server.shutdown()
        thread.join()


def deployed(**environment: str) -> Deployed:
    return Deployed(Target(Config(), Path("pack2.toml"), None, environment))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "loaded", "token", "state", "said"),
    [
        (FOUND, LOADED, "viewer", "done", "Performance loads: 2 panels"),
        (FOUND, LOADED, "", "failed", "GRAFANA_TOKEN"),
        ([], LOADED, "viewer", "failed", "Import the dashboard"),
        (FOUND, None, "viewer", "failed", "status 404"),
        (FOUND, {"dashboard": {"panels": []}}, "viewer", "failed", "is empty"),
    ],
)
def test_a_dashboard_is_loaded(found: Any, loaded: Any, token: str, state: str, said: str) -> None:
    """Found by its tag and fetched, below a path of its own too; a refusal says which token it wants."""
    answers = {"/grafana/api/search": found, "/grafana/api/dashboards/uid/p2": loaded}
    with grafana(answers) as url:
        outcome = dashboard_loads(deployed(GRAFANA_URL=url, GRAFANA_TOKEN=token))
    assert outcome.state == state
    assert said in outcome.text


RULE = """
groups:
  - name: pack2
    interval: 100ms
    rules:
      - alert: SlowAnswers
        expr: vector({value}) == 1
"""


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Callable[[int], str]]:
    """Starts Debian's Prometheus with one rule, which fires where its value is 1; gives its address."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("tests of alerts are left out: Prometheus is not installed")
    started: list[subprocess.Popen[bytes]] = []

    def start(value: int) -> str:
        (tmp_path / "rules.yml").write_text(RULE.format(value=value))
        (tmp_path / "prometheus.yml").write_text("rule_files: [rules.yml]\n")
        address = f"127.0.0.1:{free_port()}"
        options = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
        options.append(f"--web.listen-address={address}")
        started.append(subprocess.Popen([program, *options], stderr=subprocess.DEVNULL))
        return f"http://{address}"

    yield start
    for process in started:
        process.terminate()
        process.wait()


@pytest.mark.parametrize(
    ("value", "state", "said"),
    [(0, "done", "none fires; measured: API p95 20"), (1, "failed", "firing now: SlowAnswers")],
)
def test_prometheus_is_asked_for_its_rules(
    prometheus: Callable[[int], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    value: int,
    state: str,
    said: str,
) -> None:
    """A silent rule confirms its limit beside the baseline; one that fires fails the line."""
    monkeypatch.chdir(tmp_path)
    digest = RunDigest(histogram(np.full(300, 20.0)), histogram(np.full(300, 2.0)), {}, 300, 0, 270, 300)
    path_of("small").parent.mkdir(parents=True)
    path_of("small").write_bytes(msgspec.json.encode(Baseline("2026-01-01", {}, (digest,), ())))
    asked = deployed(PROMETHEUS_URL=prometheus(value))
    deadline = time.monotonic() + 30
    outcome = alert_limits(asked)
    while said not in outcome.text and time.monotonic() < deadline:
        outcome = alert_limits(asked)
    assert outcome.state == state, outcome
    assert said in outcome.text


def test_a_grafana_that_is_gone_is_told() -> None:
    """What was there a moment ago does not answer: failed; no address at all: skipped."""
    with grafana({}) as url:
        pass
    assert dashboard_loads(deployed(GRAFANA_URL=url)).state == "failed"
    assert dashboard_loads(deployed()).state == "skipped"


def test_the_process_behind_an_address_is_found(tmp_path: Path) -> None:
    """Of this machine, by its port; a server of our own process and one elsewhere are none to measure."""
    program = "import http.server as h; s = h.HTTPServer(('127.0.0.1', 0), h.BaseHTTPRequestHandler);"
    program += " print(s.server_port, flush=True); s.serve_forever()"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        assert listener(f"http://127.0.0.1:{port}") == process.pid
        process.kill()
    assert listener(f"http://127.0.0.1:{port}") is None
    assert listener("http://example.com:80") is None
    with grafana({}) as url:
        assert listener(url) is None
