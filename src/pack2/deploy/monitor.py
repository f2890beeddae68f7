"""Step 5: what watches the application is written, read by its tools, given to Prometheus and Grafana."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pack2.deploy.checks import Check
from pack2.deploy.model import Outcome, Target, done, failed, skipped
from pack2.monitoring.build import FOLDER, build, write_secrets
from pack2.monitoring.check import by_tools, up_to_date
from pack2.monitoring.grafana import import_dashboard
from pack2.monitoring.prometheus import reload_rules

OPTIONAL: Final = ("PROMETHEUS_URL", "GRAFANA_URL", "SLACK_WEBHOOK_URL")


def deploy_monitoring(target: Target) -> Outcome:
    """Build and check the files; reload Prometheus, import the dashboard, where their addresses are set."""
    monitoring, folder = target.config.monitoring, _folder(target)
    if monitoring is None:
        return skipped(f"{target.config_path} has no [monitoring]; docs/monitoring.md shows how to write one")
    written = (*build(target.config, folder), *write_secrets(target.config, target.environment, folder))
    found = (
        *by_tools(monitoring, folder),
        *reload_rules(target.config, target.environment),
    )
    if wrong := [f"{finding.subject}: {finding.text}" for finding in found if finding.state == "fail"]:
        return failed("; ".join(wrong))
    said = [f"{len(written)} files written to {folder}" if written else f"{folder} is as it should be"]
    said += [
        f"{finding.subject}: {finding.text}"
        for finding in found
        if finding.state != "pass" or finding.subject == "rules are loaded"
    ]
    said += _imported(target)
    return done("; ".join(dict.fromkeys(said)))


def files(target: Target) -> tuple[Check, ...]:
    """Whether the files are those that this step would write."""
    if target.config.monitoring is None:
        return ()
    finding = up_to_date(target.config, _folder(target))
    return (Check("monitoring files", finding.state, finding.text),)


def _folder(target: Target) -> Path:
    return target.config_path.parent / FOLDER


def _imported(target: Target) -> Iterator[str]:
    if not target.environment.get("GRAFANA_URL"):
        yield "Grafana: GRAFANA_URL is not set"
        return
    for one in import_dashboard(target.config, target.environment):
        yield f"Grafana's {one.subject} {one.state} ({one.text})"
