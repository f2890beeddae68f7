"""Rules of Prometheus as values, and the files that they are written to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec
import yaml

from pack2.config import Monitoring

Severity = Literal["critical", "warning", "info"]
MINUTE: Final = 60
DURATION: Final = "{{ $value | humanizeDuration }}"
SHARE: Final = "{{ $value | humanizePercentage }}"
"""How an alert writes its value."""
FAILING: Final = "api-5xx.md"
DEGRADED: Final = "performance-degradation.md"
"""The runbooks."""


class Recorded(msgspec.Struct, frozen=True):
    """A series that Prometheus computes and keeps, for rules that look back for days."""

    name: str
    expression: str
    labels: dict[str, str]


class Alert(msgspec.Struct, frozen=True):
    """`severity` is its tier: critical, users are hurt now; warning, they will be; info, look today.

    `summary` and `description` may use Prometheus' templates; `runbook` is an address.
    """

    name: str
    severity: Severity
    expression: str
    for_seconds: int
    summary: str
    description: str
    runbook: str
    labels: dict[str, str]


def alert(
    monitoring: Monitoring,
    name: str,
    severity: Severity,
    expression: str,
    *,
    for_seconds: int,
    summary: str,
    description: str,
    runbook: str = DEGRADED,
) -> Alert:
    """One of `monitoring.job`; `runbook` is a page below `monitoring.runbooks`."""
    address = f"{monitoring.runbooks.rstrip('/')}/{runbook}"
    labels = {"job": monitoring.job}
    return Alert(name, severity, expression, for_seconds, summary, description, address, labels)


class Group(msgspec.Struct, frozen=True):
    name: str
    rules: tuple[Recorded | Alert, ...]
    interval_seconds: int


def rule_file(groups: Iterable[Group]) -> bytes:
    """A file for Prometheus' `rule_files`."""
    return as_yaml({"groups": [_group(group) for group in groups]})


def duration(seconds: int) -> str:
    """As Prometheus writes it: 15s, 5m, 1d."""
    for unit, name in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds and seconds % unit == 0:
            return f"{seconds // unit}{name}"
    return f"{seconds}s"


def as_yaml(value: Any) -> bytes:
    """A file that says where it comes from; several lines stay several lines."""
    said = "# Made by `pack2 monitoring build` from pack2.toml; it overwrites what is changed here.\n"
    text = yaml.dump(value, Dumper=_Lines, sort_keys=False, width=10_000, allow_unicode=True)
    return f"{said}{text}".encode()


def _group(group: Group) -> dict[str, Any]:
    rules = [_recorded(rule) if isinstance(rule, Recorded) else _alert(rule) for rule in group.rules]
    return {"name": group.name, "interval": duration(group.interval_seconds), "rules": rules}


def _recorded(rule: Recorded) -> dict[str, Any]:
    return {"record": rule.name, "expr": rule.expression, "labels": dict(rule.labels)}


def _alert(rule: Alert) -> dict[str, Any]:
    return {
        "alert": rule.name,
        "expr": rule.expression,
        "for": duration(rule.for_seconds),
        "labels": {**rule.labels, "severity": rule.severity},
        "annotations": {
            "summary": rule.summary,
            "description": rule.description,
            "runbook_url": rule.runbook,
        },
    }


class _Lines(yaml.SafeDumper):  # type: ignore[misc]  # yaml has no types
    """Text of several lines as a block, sequences below their key, nothing by reference."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:  # noqa: ARG002
        return super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Lines.add_representer(str, _text)
