"""Writes what watches the application: the same configuration gives the same bytes.

Secrets are files of their own, in a folder that git leaves out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final

from pack2.config import Config, Monitoring
from pack2.monitoring.alertmanager import WEBHOOK_FILE, alertmanager
from pack2.monitoring.alerts import performance, servers
from pack2.monitoring.client import server
from pack2.monitoring.dashboard import render
from pack2.monitoring.regressions import history, regressions
from pack2.monitoring.rules import Group, rule_file
from pack2.monitoring.scrape import TOKEN_FILE, prometheus

FOLDER: Final = Path("monitoring")
DASHBOARD: Final = "grafana/performance-dashboard.json"
_SECRETS: Final = (("SLACK_WEBHOOK_URL", WEBHOOK_FILE), ("PACK2_METRICS_TOKEN", TOKEN_FILE))


def files(config: Config) -> dict[str, bytes]:
    """Everything that is generated, by its path in the folder."""
    monitoring = config.monitoring or Monitoring()
    queries = resources.files("pack2.monitoring").joinpath("postgres_exporter.yml")
    return {
        ".gitignore": f"/{monitoring.secrets.strip('/')}/\n".encode(),
        "alertmanager.yml": alertmanager(monitoring),
        DASHBOARD: render(monitoring),
        "postgres_exporter.yml": queries.read_bytes(),
        "prometheus.yml": prometheus(monitoring),
        **{f"rules/{group.name}.yml": rule_file([group]) for group in groups(monitoring)},
    }


def groups(monitoring: Monitoring) -> tuple[Group, ...]:
    """The rules; those that look back a week cost most and are asked least often."""
    seconds = monitoring.interval_seconds
    return (
        Group("history", tuple(history(monitoring)), seconds),
        Group("performance", tuple(performance(monitoring)), seconds),
        Group("servers", tuple(servers(monitoring)), seconds),
        Group("regressions", tuple(regressions(monitoring)), 4 * seconds),
    )


def build(config: Config, out: Path = FOLDER) -> tuple[Path, ...]:
    """Write what differs from what is there; what was written."""
    return tuple(path for name, content in files(config).items() if _written(path := out / name, content))


def write_secrets(config: Config, environment: Mapping[str, str], out: Path = FOLDER) -> tuple[Path, ...]:
    """The secrets that `environment` has, readable by their owner alone; what was written.

    Raises AddressError where SLACK_WEBHOOK_URL is none.
    """
    folder = out / (config.monitoring or Monitoring()).secrets
    if webhook := environment.get("SLACK_WEBHOOK_URL", ""):
        server("SLACK_WEBHOOK_URL", webhook)
    found = ((folder / name, environment.get(variable, "").strip()) for variable, name in _SECRETS)
    return tuple(path for path, secret in found if secret and _written(path, secret.encode(), 0o600))


def _written(path: Path, content: bytes, mode: int = 0o644) -> bool:
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.{os.getpid()}")
    half.touch(mode)
    half.write_bytes(content)
    half.replace(path)
    return True
