"""Step 5: what watches the application already is asked whether it is there."""

from __future__ import annotations

from typing import Final

from pack2.deploy.model import Outcome, Target, done, failed, skipped
from pack2.proof.client import Answer, send

OPTIONAL: Final = ("PROMETHEUS_URL", "GRAFANA_URL", "SLACK_WEBHOOK_URL")
READY: Final = (("PROMETHEUS_URL", "/-/ready"), ("GRAFANA_URL", "/api/health"))


def deploy_monitoring(target: Target) -> Outcome:
    """Ask Prometheus and Grafana, where they are known; there are no rules or dashboards to give them yet."""
    said = []
    for variable, path in READY:
        url = target.environment.get(variable, "")
        if not url:
            continue
        answer = send(url.rstrip("/"), path, timeout_seconds=5)
        if answer.status != 200:
            return failed(f"{variable} does not answer {path}: {_reason(answer)}. Correct or unset it.")
        said.append(f"{variable} answers")
    if not said:
        return skipped("neither PROMETHEUS_URL nor GRAFANA_URL is set")
    return done("; ".join(said))


def _reason(answer: Answer) -> str:
    return f"status {answer.status}" if answer.status else answer.body.decode(errors="replace")
