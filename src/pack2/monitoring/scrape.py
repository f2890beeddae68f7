"""Prometheus' configuration: whom it asks, which rules it keeps, whom it tells."""

from __future__ import annotations

from typing import Any, Final

from pack2.config import Monitoring
from pack2.monitoring.rules import as_yaml, duration

TOKEN_FILE: Final = "metrics_token"  # noqa: S105  the name of a file


def prometheus(monitoring: Monitoring) -> bytes:
    """One scrape of any worker answers for all workers of its server."""
    every = duration(monitoring.interval_seconds)
    return as_yaml(
        {
            "global": {"scrape_interval": every, "evaluation_interval": every},
            "rule_files": ["rules/*.yml"],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": list(monitoring.alertmanagers)}]}]
            },
            "scrape_configs": [_application(monitoring), *_exporters(monitoring)],
        }
    )


def _application(monitoring: Monitoring) -> dict[str, Any]:
    return {
        "job_name": monitoring.job,
        "metrics_path": monitoring.path,
        "authorization": {"credentials_file": f"{monitoring.secrets}/{TOKEN_FILE}"},
        "static_configs": [{"targets": list(monitoring.targets)}],
    }


def _exporters(monitoring: Monitoring) -> list[dict[str, Any]]:
    if not monitoring.exporters:
        return []
    job = f"{monitoring.job}-exporters"
    return [{"job_name": job, "static_configs": [{"targets": list(monitoring.exporters)}]}]
