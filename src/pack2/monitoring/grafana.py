"""Hands the dashboard to a running Grafana by its HTTP API: a second time changes nothing.

Facts about the API: Grafana's documentation, "Dashboard HTTP API" and "Data source HTTP API".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from pack2.config import Config, Monitoring
from pack2.monitoring.client import Answer, Server, basic, server
from pack2.monitoring.dashboard import render
from pack2.monitoring.errors import AddressUnsetError, GrafanaAccessError, GrafanaAnswerError

SOURCE_UID: Final = "pack2-prometheus"
_EDITOR: Final = "Editor"
_ADMIN: Final = "Admin, which data sources need"
State = Literal["created", "updated", "unchanged", "skipped"]


class Imported(msgspec.Struct, frozen=True):
    """What became of one thing in Grafana; `text` says where it is, or why nothing was done."""

    subject: str
    state: State
    text: str


def import_dashboard(config: Config, environment: Mapping[str, str]) -> tuple[Imported, ...]:
    """The data source, where PROMETHEUS_URL names it, and the dashboard, into the Grafana of GRAFANA_URL.

    Raises AddressUnsetError, AddressError, MonitorUnreachableError, GrafanaAccessError, GrafanaAnswerError.
    """
    grafana = _signed(environment)
    health = _asked(grafana, "/api/health")
    if not isinstance(health, dict) or "database" not in health:
        raise _unlike(grafana, "/api/health", 200, "that is not Grafana's state")
    return _source(grafana, environment.get("PROMETHEUS_URL", "")), _dashboard(grafana, config)


def _signed(environment: Mapping[str, str]) -> Server:
    url = environment.get("GRAFANA_URL", "").strip()
    if not url:
        raise AddressUnsetError(variable="GRAFANA_URL", example="http://127.0.0.1:3000")
    found = server("GRAFANA_URL", url)
    if token := environment.get("GRAFANA_TOKEN", "").strip():
        return msgspec.structs.replace(found, authorization=f"Bearer {token}")
    if user := environment.get("GRAFANA_USER", ""):
        signed = basic(user, environment.get("GRAFANA_PASSWORD", ""))
        return msgspec.structs.replace(found, authorization=signed)
    return found


def _source(grafana: Server, prometheus_url: str) -> Imported:
    """A data source of our own: one that somebody made is never changed."""
    subject = "data source"
    if not prometheus_url:
        return Imported(subject, "skipped", "PROMETHEUS_URL is not set: choose a Prometheus in the dashboard")
    prometheus = server("PROMETHEUS_URL", prometheus_url)
    if prometheus.authorization:
        return Imported(subject, "skipped", "PROMETHEUS_URL has a password: make the data source in Grafana")
    wanted = {
        "uid": SOURCE_UID,
        "name": "Prometheus (Pack 2)",
        "type": "prometheus",
        "access": "proxy",
        "url": prometheus.url,
    }
    path = f"/api/datasources/uid/{SOURCE_UID}"
    held = _asked(grafana, path, role=_ADMIN, may_lack=True)
    if held is None:
        _asked(grafana, "/api/datasources", body=wanted, role=_ADMIN)
        return Imported(subject, "created", prometheus.url)
    if all(held.get(name) == value for name, value in wanted.items()):
        return Imported(subject, "unchanged", prometheus.url)
    _asked(grafana, path, body={**held, **wanted}, method="PUT", role=_ADMIN)
    return Imported(subject, "updated", prometheus.url)


def _dashboard(grafana: Server, config: Config) -> Imported:
    """Stays in the folder where somebody has put it."""
    wanted = json.loads(render(config.monitoring or Monitoring()))
    held = _asked(grafana, f"/api/dashboards/uid/{wanted['uid']}", may_lack=True)
    if held is not None and _content(held["dashboard"]) == _content(wanted):
        return Imported("dashboard", "unchanged", grafana.url + held["meta"]["url"])
    body = {"dashboard": {**wanted, "id": None}, "overwrite": True, "message": "pack2 monitoring import"}
    if held is not None and held["meta"].get("folderUid"):
        body["folderUid"] = held["meta"]["folderUid"]
    saved = _asked(grafana, "/api/dashboards/db", body=body)
    return Imported("dashboard", "created" if held is None else "updated", grafana.url + saved["url"])


def _content(dashboard: Mapping[str, Any]) -> dict[str, Any]:
    """Without what Grafana numbers itself."""
    return {name: value for name, value in dashboard.items() if name not in {"id", "version"}}


def _asked(
    grafana: Server,
    path: str,
    *,
    body: Any = None,
    method: str = "",
    role: str = _EDITOR,
    may_lack: bool = False,
) -> Any:
    """What Grafana says; None for a 404 where that is an answer."""
    answer = grafana.ask(path, body=body, method=method)
    told = answer.json()
    if may_lack and answer.status == 404 and isinstance(told, dict):
        return None
    if answer.status in (401, 403):
        raise GrafanaAccessError(url=grafana.url, role=role, reason=_reason(answer))
    if answer.status != 200 or not isinstance(told, dict):
        raise _unlike(grafana, path, answer.status, _reason(answer))
    return told


def _unlike(grafana: Server, path: str, status: int, reason: str) -> GrafanaAnswerError:
    return GrafanaAnswerError(url=grafana.url, path=path, status=status, reason=reason)


def _reason(answer: Answer) -> str:
    told = answer.json()
    if isinstance(told, dict):
        return str(told.get("message") or f"status {answer.status}")
    return "it speaks no JSON" if answer.status == 200 else f"status {answer.status}"
