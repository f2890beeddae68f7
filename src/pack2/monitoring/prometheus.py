"""Tells a running Prometheus to read its files again, and asks which of our rules it has then.

Facts about the API: Prometheus' documentation, "HTTP API" and "Management API".
"""

from __future__ import annotations

from collections.abc import Mapping

from pack2.config import Config, Monitoring
from pack2.monitoring.build import FOLDER, groups
from pack2.monitoring.check import Finding
from pack2.monitoring.client import Server, server


def reload_rules(config: Config, environment: Mapping[str, str]) -> tuple[Finding, ...]:
    """Reload the Prometheus of PROMETHEUS_URL, then ask whether each generated rule is loaded and sound.

    Raises AddressError and MonitorUnreachableError where PROMETHEUS_URL leads nowhere.
    """
    url = environment.get("PROMETHEUS_URL", "")
    if not url:
        return (Finding("Prometheus", "skipped", "PROMETHEUS_URL is not set"),)
    prometheus = server("PROMETHEUS_URL", url)
    return _reloaded(prometheus), loaded(config, prometheus)


def loaded(config: Config, prometheus: Server) -> Finding:
    """Whether each generated rule is loaded, under its own name, and none of them fails."""
    subject = "rules are loaded"
    held = _held(prometheus)
    if held is None:
        return Finding(subject, "fail", "/api/v1/rules has no answer. Is PROMETHEUS_URL a Prometheus?")
    wanted = _wanted(config)
    missing = sorted(wanted - held.keys())
    if missing:
        named = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        advice = f"Start Prometheus with {FOLDER}/prometheus.yml, or name {FOLDER}/rules in its rule_files."
        return Finding(subject, "fail", f"{len(missing)} of {len(wanted)} are not: {named}. {advice}")
    if failing := sorted(name for name in wanted if held[name]):
        return Finding(subject, "fail", f"{failing[0]} fails: {held[failing[0]]}")
    return Finding(subject, "pass", f"{len(wanted)} rules")


def _reloaded(prometheus: Server) -> Finding:
    subject = "Prometheus reads its files"
    answer = prometheus.ask("/-/reload", method="POST")
    if answer.status == 200:
        return Finding(subject, "pass", prometheus.url)
    said = " ".join(answer.body.decode(errors="replace").split())[:200]
    if answer.status == 403:
        advice = "Start it with --web.enable-lifecycle, or send it SIGHUP."
        return Finding(subject, "skipped", f"{said.rstrip('.')}. {advice}")
    return Finding(subject, "fail", f"status {answer.status}, {said}")


def _held(prometheus: Server) -> dict[str, str] | None:
    """The rules that Prometheus has, each with the last error of its evaluation; None without an answer."""
    answer = prometheus.ask("/api/v1/rules")
    told = answer.json()
    if answer.status != 200 or not isinstance(told, dict):
        return None
    return {
        f"{group['name']}/{rule['name']}": rule.get("lastError", "")
        for group in told["data"]["groups"]
        for rule in group["rules"]
    }


def _wanted(config: Config) -> set[str]:
    return {
        f"{group.name}/{rule.name}"
        for group in groups(config.monitoring or Monitoring())
        for rule in group.rules
    }
