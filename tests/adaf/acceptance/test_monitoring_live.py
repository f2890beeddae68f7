"""The dashboard, Valkey, Prometheus, Alertmanager and a webhook, all real: every panel has data, every rule
is loaded, and what stops is told of.

The tests stand in the order in which things happen: the last ones stop servers.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
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
from pack2.config import Config, Monitoring, load_config
from pack2.monitoring.build import build
from pack2.monitoring.check import answered
from pack2.monitoring.client import Server, server
from pack2.monitoring.prometheus import reload_rules
from pack2.proof.client import send
from pack2.services import PostgresServer, State, services
from pack2.services.ports import free_port
from pack2.services.valkey import running_valkey, start_valkey

ROOT = Path(__file__).parents[3]
CONFIG = load_config(ROOT / "pack2.toml")
TOKEN = "a token of the scraper's"
HOOK = "/services/T0/B0/secret"
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
    """The dashboard and what watches it, each second; `messages` are what the webhook was sent."""

    monitoring: Monitoring
    folder: Path
    valkey: State
    messages: list[tuple[str, Any]] = field(default_factory=list)
    dashboard: ExitStack = field(default_factory=ExitStack)
    prometheus: Server = field(init=False)
    token: str = ""

    @property
    def url(self) -> str:
        return f"http://{self.monitoring.targets[0]}"

    def visit(self) -> None:
        """A round of a signed-in trader, one page that is not there among it."""
        if not self.token:
            body = json.dumps({"email": "trader@adaf.test", "password": PASSWORDS.trader}).encode()
            headers = {"Content-Type": "application/json"}
            answer = send(self.url, "/api/auth/sign-in", method="POST", headers=headers, body=body)
            self.token = json.loads(answer.body)["token"]
        for path in PATHS:
            send(self.url, path, headers={"Authorization": f"Bearer {self.token}"})

    def rules(self) -> list[dict[str, Any]]:
        """As Prometheus has loaded them."""
        groups = self.prometheus.ask("/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def seen(self, query: str) -> list[Any]:
        """The samples that answer it now."""
        found: list[Any] = self.prometheus.ask(f"/api/v1/query?query={quote(query)}").json()["data"]["result"]
        return found

    def alertmanagers(self) -> list[Any]:
        """Those that Prometheus would tell; none in the seconds after a reload."""
        found: list[Any] = self.prometheus.ask("/api/v1/alertmanagers").json()["data"]["activeAlertmanagers"]
        return found

    def told(self, count: int) -> dict[str, Any]:
        """The attachment of the webhook's message number `count`."""
        until(lambda: len(self.messages) >= count, 60, self.state)
        path, message = self.messages[count - 1]
        assert path == HOOK
        (attachment,) = message["attachments"]
        return dict(attachment)

    def state(self) -> str:
        """Why a message did not come."""
        alerts = self.prometheus.ask("/api/v1/alerts").body.decode()
        return alerts + (self.folder / "alertmanager.log").read_text()

    def slack(self, _method: str, path: str, _headers: Mapping[str, str], body: Any) -> tuple[int, Any]:
        self.messages.append((path, body))
        return 200, "ok"


@pytest.fixture(scope="module")
def sample_url(postgres: PostgresServer, sample_database: str) -> Iterator[str]:
    """A copy of the sample data whose changes are told, with known passwords."""
    assert sample_database
    url = postgres.create_database("watched", template="sample")
    feed_schema.apply(url, CONFIG.cache.feed)
    with psycopg.connect(url, autocommit=True) as connection:
        set_passwords(connection, PASSWORDS)
    yield url
    postgres.drop_database("watched")


@pytest.fixture(scope="module")
def watched(sample_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Servers of their own, since the tests stop them; what waits a minute elsewhere waits a second here."""
    require("prometheus", "promtool", "prometheus-alertmanager", "amtool")
    assert CONFIG.monitoring is not None
    state = Path(tempfile.mkdtemp(prefix="p2-"))
    state.chmod(0o755)
    folder = tmp_path_factory.mktemp("monitoring")
    monitoring = msgspec.structs.replace(
        CONFIG.monitoring,
        targets=(f"127.0.0.1:{free_port()}",),
        alertmanagers=(f"127.0.0.1:{free_port()}",),
        interval_seconds=1,
        down_seconds=1,
        group_seconds=1,
    )
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, state, ignore_errors=True)
        found = stack.enter_context(
            services(state / "state", database_url=sample_url, redis_url=None, durable=False)
        )
        watched = Watched(monitoring, folder, found.state)
        hook = stack.enter_context(receiver(watched.slack))
        stack.enter_context(closing(watched.dashboard))
        watched.dashboard.enter_context(
            running_dashboard(
                tmp_path_factory.mktemp("dashboard"), watched.url, sample_url, found.redis.url, TOKEN
            )
        )
        secrets = {"PACK2_METRICS_TOKEN": TOKEN, "SLACK_WEBHOOK_URL": hook + HOOK}
        prometheus = stack.enter_context(running_prometheus(folder, monitoring, secrets))
        watched.prometheus = server("PROMETHEUS_URL", prometheus)
        stack.enter_context(running_alertmanager(folder, monitoring))
        yield watched


def test_every_panel_has_data(watched: Watched) -> None:
    """While users are at work no query comes back empty; `pack2 monitoring check` says the same."""
    missing: list[str] = []

    def complete() -> bool:
        watched.visit()
        found = answered(watched.monitoring, watched.prometheus)
        missing[:] = [finding.text for finding in found if finding.state == "fail"]
        return not missing

    until(complete, 40, lambda: missing)
    done = subprocess.run(
        [sys.executable, "-m", "pack2", "monitoring", "check", "--json"],
        cwd=ROOT,
        env={**os.environ, "PROMETHEUS_URL": watched.prometheus.url},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "queries have an answer" in done.stdout


def test_a_panel_without_data_is_named(watched: Watched) -> None:
    """Of another application's name nothing is there: every query is a finding."""
    stranger = msgspec.structs.replace(watched.monitoring, job="stranger", panel=())
    found = list(answered(stranger, watched.prometheus))
    assert {finding.state for finding in found} == {"fail"}
    assert any("Response time, p95" in finding.subject for finding in found)


def test_every_rule_is_loaded_and_well(watched: Watched) -> None:
    """Prometheus evaluates all of them without an error, and nothing fires on a healthy dashboard."""

    def evaluated() -> list[dict[str, Any]]:
        rules = watched.rules()
        return rules if rules and all(rule["health"] != "unknown" for rule in rules) else []

    rules = until(evaluated)
    assert {rule["health"] for rule in rules} == {"ok"}
    assert len([rule for rule in rules if rule["type"] == "alerting"]) == 22
    assert {rule["name"] for rule in rules if rule.get("state") == "firing"} == set()
    assert watched.messages == []


def test_a_prometheus_that_runs_takes_what_was_built(watched: Watched) -> None:
    """A rule file that was not there is loaded after the reload; one that is gone is missed by name."""
    config = Config(monitoring=watched.monitoring)
    environment = {"PROMETHEUS_URL": watched.prometheus.url}
    (watched.folder / "rules/servers.yml").unlink()
    reloaded, loaded = reload_rules(config, environment)
    assert (reloaded.state, loaded.state) == ("pass", "fail")
    assert "servers/ApplicationDown" in loaded.text
    assert "name monitoring/rules in its rule_files" in loaded.text
    assert build(config, watched.folder) == (watched.folder / "rules/servers.yml",)
    reloaded, loaded = reload_rules(config, environment)
    assert [reloaded.state, loaded.state] == ["pass", "pass"], loaded.text


def test_a_stopped_redis_reaches_slack(watched: Watched) -> None:
    """One message in Slack's form when Valkey stops, and one when it is back; pages open all the while."""
    until(lambda: len(watched.seen("pack2_server_up == 1")) == 2)
    until(watched.alertmanagers)
    process = running_valkey(watched.valkey)
    assert process is not None
    process.terminate()
    process.wait(10)
    alarm = watched.told(1)
    assert alarm["title"] == "warning: RedisDown of adaf"
    assert alarm["color"] == "warning"
    assert "Redis does not answer" in alarm["text"]
    assert "Runbook: docs/runbooks/performance-degradation.md" in alarm["text"]
    assert send(watched.url, "/sign-in").status == 200
    start_valkey(watched.valkey)
    end = watched.told(2)
    assert (end["title"], end["color"]) == ("resolved: RedisDown of adaf", "good")
    assert len(watched.messages) == 2


def test_a_killed_server_reaches_slack(watched: Watched) -> None:
    """It does not answer the scrape: critical, and what follows from it is not told beside it."""
    before = len(watched.messages)
    watched.dashboard.close()
    alarm = watched.told(before + 1)
    assert alarm["title"] == "critical: ApplicationDown of adaf"
    assert alarm["color"] == "danger"
    assert f"{watched.monitoring.targets[0]} does not answer Prometheus" in alarm["text"]
    assert "docs/runbooks/api-5xx.md" in alarm["text"]
    assert len(watched.messages) == before + 1


def test_the_webhooks_address_is_in_no_log(watched: Watched) -> None:
    """It is a secret, and so is the scraper's token: neither is in a log or in what is generated."""
    for path in watched.folder.rglob("*"):
        if path.is_file() and path.suffix in {".log", ".yml", ".json"}:
            content = path.read_bytes()
            assert HOOK.encode() not in content, path
            assert TOKEN.encode() not in content, path
