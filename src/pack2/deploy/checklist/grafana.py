"""Asks Grafana for the dashboard, as somebody who looks at it does."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from pack2.deploy.checklist.model import Deployed
from pack2.deploy.model import Outcome, done, failed, skipped
from pack2.proof.client import Answer, send

TAG: Final = "pack2"
_REFUSED: Final = "Set GRAFANA_TOKEN to the token of a service account with the role Viewer"
_IMPORT: Final = f"Import the dashboard (Dashboards, New, Import); its tag is {TAG}"


def dashboard_loads(deployed: Deployed) -> Outcome:
    """Look for dashboards with our tag and load each one."""
    url = deployed.target.environment.get("GRAFANA_URL", "").rstrip("/")
    if not url:
        return skipped("GRAFANA_URL is not set")
    token = deployed.target.environment.get("GRAFANA_TOKEN", "")
    found = _asked(url, f"/api/search?type=dash-db&tag={TAG}", token)
    if isinstance(found, Outcome):
        return found
    if not found:
        return failed(f"Grafana answers and has no such dashboard. {_IMPORT}")
    said = []
    for one in found:
        loaded = _asked(url, f"/api/dashboards/uid/{one['uid']}", token)
        if isinstance(loaded, Outcome):
            return loaded
        panels = loaded["dashboard"].get("panels", [])
        if not panels:
            return failed(f"the dashboard {one['title']} is empty. {_IMPORT}")
        said.append(f"{one['title']} loads: {len(panels)} panels")
    return done("; ".join(said))


def _asked(url: str, path: str, token: str) -> Any:
    """What Grafana answers, decoded; an Outcome where it answers nothing that can be used."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = send(url, urlsplit(url).path + path, headers=headers, timeout_seconds=10)
    if answer.status != 200:
        return failed(f"Grafana: {_reason(answer)}")
    try:
        return msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return failed("Grafana: what answers at GRAFANA_URL speaks no JSON. Correct GRAFANA_URL")


def _reason(answer: Answer) -> str:
    if answer.status in (401, 403):
        return f"it refuses us (status {answer.status}). {_REFUSED}"
    if answer.status:
        return f"status {answer.status}. Look into its log"
    return f"{answer.body.decode(errors='replace')}. Start it, or correct GRAFANA_URL"
