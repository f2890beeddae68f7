"""The import into Grafana, before a server with the rules of its documented API: who may do what, uids that
are unique, folders that an update without one leaves, versions that must match unless it overwrites.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitors import receiver
from pack2.config import Config, Monitoring
from pack2.deploy import monitor
from pack2.deploy.model import Target
from pack2.monitoring.build import DASHBOARD, build
from pack2.monitoring.errors import (
    AddressUnsetError,
    GrafanaAccessError,
    GrafanaAnswerError,
    MonitorUnreachableError,
)
from pack2.monitoring.grafana import SOURCE_UID, import_dashboard

CONFIG = Config(monitoring=Monitoring(job="notes"))
PROMETHEUS = "http://prometheus.internal:9090"
ROLES = {"Bearer of-admin": "Admin", "Bearer of-editor": "Editor", "Bearer of-viewer": "Viewer"}


@dataclass
class Grafana:
    """`dashboards` and `sources` by uid; `writes` are the methods and paths that changed something."""

    url: str = ""
    dashboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    is_provisioned: bool = False

    def environment(self, token: str = "of-admin", prometheus: str = PROMETHEUS) -> dict[str, str]:
        return {"GRAFANA_URL": self.url, "GRAFANA_TOKEN": token, "PROMETHEUS_URL": prometheus}

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> tuple[int, Any]:
        path = path.removeprefix("/grafana")
        if path == "/api/health":
            return 200, {"database": "ok", "version": "12.0.0"}
        role = ROLES.get(headers.get("Authorization", ""))
        if role is None:
            return 401, {"message": "Unauthorized"}
        if method != "GET":
            if role == "Viewer" or (role != "Admin" and path.startswith("/api/datasources")):
                return 403, {"message": "You'll need additional permissions to perform this action."}
            self.writes.append(f"{method} {path}")
        if path.startswith("/api/datasources"):
            return self.source(method, path.rpartition("/")[2], body)
        if path == "/api/dashboards/db":
            return self.save(body)
        uid = path.removeprefix("/api/dashboards/uid/")
        if uid not in self.dashboards:
            return 404, {"message": "Dashboard not found"}
        meta = {"url": f"/d/{uid}/notes", "folderUid": self.folders.get(uid, "")}
        return 200, {"dashboard": self.dashboards[uid], "meta": meta}

    def source(self, method: str, uid: str, body: Any) -> tuple[int, Any]:
        if method == "POST" and body["uid"] in self.sources:
            return 409, {"message": "data source with the same uid already exists"}
        if method != "GET":
            self.sources[body["uid"]] = {**body, "id": 1, "readOnly": False}
            return 200, {"datasource": body, "message": "Datasource added"}
        if uid not in self.sources:
            return 404, {"message": "Data source not found"}
        return 200, self.sources[uid]

    def save(self, body: Any) -> tuple[int, Any]:
        wanted = body["dashboard"]
        uid, held = wanted["uid"], self.dashboards.get(wanted["uid"])
        if self.is_provisioned:
            return 400, {"message": "Cannot save provisioned dashboard"}
        if held is not None and not body.get("overwrite") and wanted.get("version") != held["version"]:
            return 412, {
                "message": "The dashboard has been changed by someone else",
                "status": "version-mismatch",
            }
        version = held["version"] + 1 if held else 1
        self.dashboards[uid] = {**wanted, "id": 7, "version": version}
        self.folders[uid] = body.get("folderUid", "")
        return 200, {"uid": uid, "url": f"/d/{uid}/notes", "status": "success", "version": version}


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    made = Grafana()
    with receiver(made.answer) as url:
        made.url = f"{url}/grafana/"
        yield made


def states(grafana: Grafana, **environment: str) -> list[str]:
    return [one.state for one in import_dashboard(CONFIG, {**grafana.environment(), **environment})]


def test_the_dashboard_is_there_and_its_address_is_told(grafana: Grafana, tmp_path: Path) -> None:
    """As it was built, with a data source that leads to Prometheus."""
    source, dashboard = import_dashboard(CONFIG, grafana.environment())
    build(CONFIG, tmp_path)
    ((uid, held),) = grafana.dashboards.items()
    built = msgspec.json.decode((tmp_path / DASHBOARD).read_bytes())
    assert {**held, "id": None, "version": None} == {**built, "id": None, "version": None}
    assert (source.state, dashboard.state) == ("created", "created")
    assert dashboard.text == f"{grafana.url.rstrip('/')}/d/{uid}/notes"
    assert grafana.sources[SOURCE_UID]["url"] == PROMETHEUS


def test_a_second_import_changes_nothing(grafana: Grafana) -> None:
    """Nothing is written."""
    states(grafana)
    grafana.writes.clear()
    assert states(grafana) == ["unchanged", "unchanged"]
    assert grafana.writes == []


def test_what_somebody_changed_is_overwritten_where_they_put_it(grafana: Grafana) -> None:
    """Their edit goes, the folder stays, and so do the source's settings that are not ours."""
    states(grafana)
    (uid,) = grafana.dashboards
    grafana.dashboards[uid] = {**grafana.dashboards[uid], "title": "Mine", "version": 5}
    grafana.folders[uid] = "team"
    grafana.sources[SOURCE_UID] |= {"url": "http://elsewhere", "jsonData": {"timeInterval": "15s"}}
    assert states(grafana) == ["updated", "updated"]
    assert grafana.dashboards[uid]["title"] != "Mine"
    assert grafana.folders[uid] == "team"
    assert grafana.sources[SOURCE_UID]["url"] == PROMETHEUS
    assert grafana.sources[SOURCE_UID]["jsonData"] == {"timeInterval": "15s"}


def test_without_an_address_of_prometheus_no_source_is_made(grafana: Grafana) -> None:
    """An Editor's token is enough then. A password is not handed to Grafana either."""
    assert states(grafana, PROMETHEUS_URL="", GRAFANA_TOKEN="of-editor") == ["skipped", "created"]
    assert states(grafana, PROMETHEUS_URL="http://u:secret@p:9090") == ["skipped", "unchanged"]
    assert grafana.sources == {}


@pytest.mark.parametrize(
    ("token", "prometheus", "role", "reason"),
    [
        ("wrong", "", "role Editor", "Unauthorized"),
        ("of-viewer", "", "role Editor", "additional permissions"),
        ("of-editor", PROMETHEUS, "Admin", "additional permissions"),
    ],
)
def test_a_refusal_says_which_role_is_needed(
    grafana: Grafana, token: str, prometheus: str, role: str, reason: str
) -> None:
    """In Grafana's own words, without the token."""
    with pytest.raises(GrafanaAccessError) as caught:
        import_dashboard(CONFIG, grafana.environment(token, prometheus))
    assert role in str(caught.value)
    assert reason in str(caught.value)
    assert token not in str(caught.value).replace("GRAFANA_TOKEN", "")


def test_a_dashboard_that_files_provide_is_told(grafana: Grafana) -> None:
    """Grafana's reason, and where it was asked."""
    grafana.is_provisioned = True
    with pytest.raises(GrafanaAnswerError, match="/api/dashboards/db answers 400: Cannot save provisioned"):
        states(grafana)


def test_an_address_that_is_not_grafanas_is_told() -> None:
    """Unset, gone, another program that speaks JSON, one that speaks none."""
    with pytest.raises(AddressUnsetError, match="GRAFANA_URL is not set"):
        import_dashboard(CONFIG, {})
    with (
        receiver(lambda *_: (200, {"status": "ok"})) as url,
        pytest.raises(GrafanaAnswerError, match="that is not Grafana's state"),
    ):
        import_dashboard(CONFIG, {"GRAFANA_URL": url})
    with pytest.raises(MonitorUnreachableError, match="correct GRAFANA_URL"):
        import_dashboard(CONFIG, {"GRAFANA_URL": url})


def test_the_command_prints_json_and_no_token(grafana: Grafana, tmp_path: Path) -> None:
    """Exit code 0 and what became of both; a refusal is exit code 2 and one line."""
    (tmp_path / "pack2.toml").write_text('[monitoring]\njob = "notes"\n')
    command = [sys.executable, "-m", "pack2", "monitoring", "import", "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=grafana.environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [one["state"] for one in msgspec.json.decode(done.stdout)] == ["created", "created"]
    environment = grafana.environment("a-secret-token")
    refused = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert refused.returncode == 2
    assert "refuses: Unauthorized" in refused.stderr
    assert "a-secret-token" not in refused.stdout + refused.stderr


def test_a_deployment_imports_it(grafana: Grafana, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Step 5 writes the files beside the configuration, and says what became of the dashboard."""
    monkeypatch.delenv("PROMETHEUS_URL", raising=False)
    target = Target(CONFIG, tmp_path / "pack2.toml", None, grafana.environment(prometheus=""))  # type: ignore[arg-type]
    assert monitor.files(target)[0].state == "fail"
    outcome = monitor.deploy_monitoring(target)
    assert outcome.state == "done", outcome.text
    assert "files written" in outcome.text
    assert "Grafana's dashboard created" in outcome.text
    assert (tmp_path / "monitoring" / DASHBOARD).is_file()
    assert monitor.files(target)[0].state == "pass"
    assert "is as it should be" in monitor.deploy_monitoring(target).text


def test_a_configuration_without_monitoring_is_skipped(tmp_path: Path) -> None:
    """It says how to write one."""
    outcome = monitor.deploy_monitoring(Target(Config(), tmp_path / "pack2.toml", None, {}))  # type: ignore[arg-type]
    assert (outcome.state, list(tmp_path.iterdir())) == ("skipped", [])
    assert "docs/monitoring.md" in outcome.text
