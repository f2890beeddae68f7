"""A real Prometheus scrapes the dashboard: every panel has data, every rule is loaded and well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import psycopg
import pytest
from dashboard_site import PASSWORDS

from adaf.sample.passwords import set_passwords
from monitors import (
    receiver,
    require,
    running_alertmanager,
    running_dashboard,
    running_prometheus,
    until,
)
from pack2.cache import feed_schema
from pack2.config import Monitoring, load_config
from pack2.monitoring.alertmanager import alertmanager
from pack2.monitoring.build import write_secrets
from pack2.monitoring.check import answered
from pack2.monitoring.client import server
from pack2.proof.client import send
from pack2.services import PostgresServer, services
from pack2.services.ports import free_port
from pack2.services.valkey import running_valkey

ROOT = Path(__file__).parents[3]
CONFIG = load_config(ROOT / "pack2.toml")
TOKEN = "a token of the scraper's"
PATHS = (
    "/api/overview",
    "/api/market/assets",
    "/api/portfolios",
    "/api/strategies",
    "/api/nothing",
    "/market",
)


@dataclass
class Watched:
    """The dashboard and the Prometheus that asks it each second."""

    url: str
    prometheus_url: str
    monitoring: Monitoring
    token: str = ""

    def visit(self) -> None:
        """A round of a signed-in trader, one page that is not there among it."""
        if not self.token:
            body = json.dumps({"email": "trader@adaf.test", "password": PASSWORDS.trader}).encode()
            headers = {"Content-Type": "application/json"}
            answer = send(self.url, "/api/auth/sign-in", method="POST", headers=headers, body=body)
            self.token = json.loads(answer.body)["token"]
        for path in PATHS:
            send(self.url, path, headers={"Authorization": f"Bearer {self.token}"})


@pytest.fixture(scope="module")
def watched(
    postgres: PostgresServer, redis_url: str, sample_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    """Both, on a copy of the sample data."""
    require("prometheus", "promtool", "amtool")
    assert sample_database
    url = postgres.create_database("watched", template="sample")
    feed_schema.apply(url, CONFIG.cache.feed)
    with psycopg.connect(url, autocommit=True) as connection:
        set_passwords(connection, PASSWORDS)
    try:
        with running_dashboard(tmp_path_factory.mktemp("dashboard"), url, redis_url, TOKEN) as dashboard:
            assert CONFIG.monitoring is not None
            targets = (dashboard.removeprefix("http://"),)
            monitoring = msgspec.structs.replace(CONFIG.monitoring, targets=targets)
            folder = tmp_path_factory.mktemp("prometheus")
            with running_prometheus(folder, monitoring, {"PACK2_METRICS_TOKEN": TOKEN}) as prometheus:
                yield Watched(dashboard, prometheus, monitoring)
    finally:
        postgres.drop_database("watched")


def test_every_panel_has_data(watched: Watched) -> None:
    """While users are at work no query comes back empty; `pack2 monitoring check` says the same."""
    prometheus = server("PROMETHEUS_URL", watched.prometheus_url)
    missing: list[str] = []

    def complete() -> bool:
        watched.visit()
        missing[:] = [
            found.text for found in answered(watched.monitoring, prometheus) if found.state == "fail"
        ]
        return not missing

    until(complete, 40, lambda: missing)
    done = subprocess.run(
        [sys.executable, "-m", "pack2", "monitoring", "check", "--json"],
        cwd=ROOT,
        env={**os.environ, "PROMETHEUS_URL": watched.prometheus_url},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "queries have an answer" in done.stdout


def test_a_panel_without_data_is_named(watched: Watched) -> None:
    """Of another application's name nothing is there: every query is a finding."""
    stranger = msgspec.structs.replace(watched.monitoring, job="stranger", panel=())
    found = list(answered(stranger, server("PROMETHEUS_URL", watched.prometheus_url)))
    assert {finding.state for finding in found} == {"fail"}
    assert any("Response time, p95" in finding.subject for finding in found)


def test_every_rule_is_loaded_and_well(watched: Watched) -> None:
    """Prometheus evaluates all of them without an error, and nothing fires on a healthy dashboard."""
    prometheus = server("PROMETHEUS_URL", watched.prometheus_url)

    def evaluated() -> list[dict[str, str]]:
        groups = prometheus.ask("/api/v1/rules").json()["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        return rules if rules and all(rule["health"] != "unknown" for rule in rules) else []

    rules = until(evaluated, 80)
    assert {rule["health"] for rule in rules} == {"ok"}
    assert len([rule for rule in rules if rule["type"] == "alerting"]) == 22
    assert {rule["name"] for rule in rules if rule.get("state") == "firing"} == set()


def test_a_stopped_redis_reaches_slack(sample_copy: str, empty_folder: Path, tmp_path: Path) -> None:
    """Valkey stops; Prometheus fires, Alertmanager sends one message in Slack's form; pages still open."""
    require("prometheus", "prometheus-alertmanager")
    assert CONFIG.monitoring is not None
    received: list[Any] = []

    def slack(_method: str, path: str, _headers: Mapping[str, str], body: Any) -> tuple[int, Any]:
        received.append((path, body))
        return 200, "ok"

    port = free_port()
    with ExitStack() as stack:
        hook = stack.enter_context(receiver(slack))
        found = stack.enter_context(
            services(empty_folder, database_url=sample_copy, redis_url=None, durable=False)
        )
        for name in ("dashboard", "prometheus"):
            (tmp_path / name).mkdir()
        dashboard = stack.enter_context(
            running_dashboard(tmp_path / "dashboard", sample_copy, found.redis.url, TOKEN)
        )
        monitoring = msgspec.structs.replace(
            CONFIG.monitoring,
            targets=(dashboard.removeprefix("http://"),),
            alertmanagers=(f"127.0.0.1:{port}",),
        )
        folder = tmp_path / "prometheus"
        (folder / "alertmanager.yml").write_bytes(alertmanager(group_seconds=1))
        write_secrets({"SLACK_WEBHOOK_URL": f"{hook}/services/T0/B0/secret"}, folder)
        stack.enter_context(running_alertmanager(folder, port))
        watching = stack.enter_context(running_prometheus(folder, monitoring, {"PACK2_METRICS_TOKEN": TOKEN}))
        prometheus = server("PROMETHEUS_URL", watching)
        up = f"/api/v1/query?query={quote('pack2_server_up == 1')}"
        until(lambda: len(prometheus.ask(up).json()["data"]["result"]) == 2)
        assert received == []
        process = running_valkey(found.state)
        assert process is not None
        process.terminate()
        until(
            lambda: received,
            60,
            lambda: (folder / "alertmanager.log").read_text() + str(prometheus.ask("/api/v1/alerts").json()),
        )
        assert send(dashboard, "/sign-in").status == 200
    path, message = received[0]
    assert path == "/services/T0/B0/secret"
    (attachment,) = message["attachments"]
    assert attachment["title"] == "warning: RedisDown of adaf"
    assert attachment["color"] == "warning"
    assert "Redis does not answer" in attachment["text"]
    assert "Runbook: docs/runbooks/performance-degradation.md" in attachment["text"]
    logs = [log for log in folder.glob("*.log") if b"secret" in log.read_bytes()]
    assert logs == []
