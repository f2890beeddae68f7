"""Are the limits of the alerts right? The rules run, none fires, and what was measured lies within them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from pack2.deploy.checklist.model import Deployed
from pack2.deploy.model import Outcome, done, failed, skipped
from pack2.loadtest.histogram import merged
from pack2.proof.client import send
from pack2.regression.baseline import Baseline, path_of, read_baseline

API_P95_MS, DATABASE_P95_MS, ERROR_PERCENT, HIT_PERCENT = 500.0, 100.0, 1.0, 85.0


class Rule(msgspec.Struct, frozen=True):
    """One alerting rule as Prometheus tells it. `state`: inactive, pending, firing; `health`: ok, err."""

    name: str
    state: str = "inactive"
    health: str = "unknown"
    lastError: str = ""  # noqa: N815  Prometheus' name


class Normal(msgspec.Struct, frozen=True):
    """What the accepted baseline measured of a figure that an alert watches. None: not measured."""

    name: str
    value: float | None
    limit: float
    unit: str
    is_upper: bool = True

    @property
    def is_within(self) -> bool:
        if self.value is None:
            return True
        return self.value < self.limit if self.is_upper else self.value > self.limit

    def __str__(self) -> str:
        return f"{self.name} {self.value:.3g} {self.unit} ({'<' if self.is_upper else '>'} {self.limit:g})"


def alert_limits(deployed: Deployed) -> Outcome:
    """Ask Prometheus for its rules, and the baseline whether normal traffic is within the limits."""
    url = deployed.target.environment.get("PROMETHEUS_URL", "").rstrip("/")
    if not url:
        return skipped("PROMETHEUS_URL is not set")
    answer = send(url, f"{urlsplit(url).path}/api/v1/rules?type=alert", timeout_seconds=10)
    if answer.status != 200:
        reason = f"status {answer.status}" if answer.status else answer.body.decode(errors="replace")
        return failed(f"Prometheus: {reason}. Start it, or correct PROMETHEUS_URL")
    if not path_of(deployed.baseline).exists():
        advice = f"run `pack2 loadtest baseline --name {deployed.baseline}`"
        return skipped(f"nothing was measured to hold the limits against: {advice}")
    return confirmed(rules(answer.body), normal(read_baseline(deployed.baseline)))


def rules(body: bytes) -> tuple[Rule, ...]:
    """The alerting rules of all groups."""
    content: dict[str, Any] = msgspec.json.decode(body)
    found = [rule for group in content["data"]["groups"] for rule in group["rules"]]
    return msgspec.convert(found, tuple[Rule, ...])


def normal(baseline: Baseline) -> tuple[Normal, ...]:
    """The baseline's figures beside the guide's limits."""
    runs = baseline.runs
    requests, reads = sum(run.requests for run in runs), sum(run.cacheable for run in runs)
    api, database = merged(run.latency for run in runs), merged(run.database for run in runs)
    failures, hits = sum(run.failed for run in runs), sum(run.hits for run in runs)
    return (
        Normal("API p95", api.percentile(95) if api.total else None, API_P95_MS, "ms"),
        Normal("query p95", database.percentile(95) if database.total else None, DATABASE_P95_MS, "ms"),
        Normal("errors", 100 * failures / requests if requests else None, ERROR_PERCENT, "%"),
        Normal("hits", 100 * hits / reads if reads else None, HIT_PERCENT, "%", is_upper=False),
    )


def confirmed(found: tuple[Rule, ...], measured: tuple[Normal, ...]) -> Outcome:
    """Done where rules run, none fires, and none would fire by what was measured."""
    if not found:
        return failed("Prometheus has no alert rule: name the rules' file in its rule_files")
    if broken := [f"{rule.name}: {rule.lastError}" for rule in found if rule.health == "err"]:
        return failed(f"{_some(broken)}. Correct the rules (`promtool check rules`)")
    if waiting := [rule.name for rule in found if rule.health != "ok"]:
        return skipped(f"not evaluated yet: {_some(waiting)}. Ask again in a minute")
    if firing := [rule.name for rule in found if rule.state == "firing"]:
        return failed(f"firing now: {_some(firing)}. Follow the runbook of each")
    if outside := [str(one) for one in measured if not one.is_within]:
        return failed(f"normal traffic would fire: {_some(outside)}. `pack2 recommend` says what may help")
    figures = ", ".join(str(one) for one in measured if one.value is not None)
    return done(f"{len(found)} rules run and none fires; measured: {figures}")


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:4]) + (f" and {len(listed) - 4} more" if len(listed) > 4 else "")
