"""How alerts reach people: Alertmanager's configuration, a message in Slack's form for each tier.

The webhook's address is a secret: the configuration names the file that holds it, and never the address.
Alertmanager looks for a relative name in the folder that it runs in, Prometheus beside its configuration.
"""

from __future__ import annotations

from typing import Any, Final

from pack2.config import Monitoring
from pack2.monitoring.rules import as_yaml, duration

WEBHOOK_FILE: Final = "slack_webhook_url"
REPEATED: Final = (("critical", 3600), ("warning", 4 * 3600), ("info", 24 * 3600))
"""Each tier and after how many seconds it is told again."""

_COLOUR: Final = (
    '{{ if eq .Status "resolved" }}good{{ else if eq .CommonLabels.severity "critical" }}danger'
    '{{ else if eq .CommonLabels.severity "warning" }}warning{{ else }}#439FE0{{ end }}'
)
_TITLE: Final = (
    '{{ if eq .Status "resolved" }}resolved{{ else }}{{ .CommonLabels.severity }}{{ end }}:'
    " {{ .CommonLabels.alertname }} of {{ .CommonLabels.job }}"
)
_TEXT: Final = """\
{{ range .Alerts }}{{ .Annotations.summary }}
{{ .Annotations.description }}
Runbook: {{ .Annotations.runbook_url }}
{{ end }}"""


def alertmanager(monitoring: Monitoring) -> bytes:
    """Critical silences the same alert's warning; a server that is down silences what follows from it.

    The first message comes `group_seconds` after an alert, with all that belong together.
    """
    webhook_file = f"{monitoring.secrets}/{WEBHOOK_FILE}"
    return as_yaml(
        {
            "route": {
                "receiver": "slack",
                "group_by": ["job", "alertname", "severity"],
                "group_wait": duration(monitoring.group_seconds),
                "group_interval": duration(10 * monitoring.group_seconds),
                "routes": [_route(tier, seconds) for tier, seconds in REPEATED],
            },
            "inhibit_rules": [
                _inhibition('severity="critical"', 'severity=~"warning|info"', "job", "alertname"),
                _inhibition('alertname="ApplicationDown"', 'alertname!="ApplicationDown"', "job"),
                _inhibition('alertname="PostgresqlDown"', 'alertname=~"Errors|ErrorsRegression"', "job"),
                _inhibition('alertname="RedisDown"', 'alertname=~"HitRate|HitRateRegression"', "job"),
            ],
            "receivers": [{"name": "slack", "slack_configs": [_slack(webhook_file)]}],
        }
    )


def _route(tier: str, repeat_seconds: int) -> dict[str, Any]:
    return {
        "matchers": [f'severity="{tier}"'],
        "receiver": "slack",
        "repeat_interval": duration(repeat_seconds),
    }


def _inhibition(source: str, target: str, *equal: str) -> dict[str, Any]:
    return {"source_matchers": [source], "target_matchers": [target], "equal": list(equal)}


def _slack(webhook_file: str) -> dict[str, Any]:
    return {
        "api_url_file": webhook_file,
        "send_resolved": True,
        "color": _COLOUR,
        "title": _TITLE,
        "text": _TEXT,
        "fallback": _TITLE,
    }
