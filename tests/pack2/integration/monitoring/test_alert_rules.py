"""Every rule in Prometheus' own test: where it fires and with which value, and close to that where not."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from pack2.config import Monitoring
from pack2.monitoring.build import groups
from pack2.monitoring.rules import Alert, rule_file

pytestmark = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")

Slopes = tuple[tuple[int, float], ...]
Levels = Mapping[str, float]
DAYS = 26 * 60
NOW = 40
RULES = {
    (rule.name, rule.severity): rule
    for group in groups(Monitoring())
    for rule in group.rules
    if isinstance(rule, Alert)
}


def counter(*slopes: tuple[int, float]) -> str:
    """Minutes and what is added in each, in promtool's notation."""
    total, parts = 0.0, []
    for minutes, added in slopes:
        parts.append(f"{total:g}+{added:g}x{minutes - 1}" if added else f"{total:g}x{minutes - 1}")
        total = round(total + added * minutes, 6)
    return " ".join(parts)


def gauge(*levels: tuple[int, float]) -> str:
    return " ".join(f"{level:.10g}x{minutes - 1}" for minutes, level in levels)


def buckets(family: str, *phases: tuple[int, Mapping[str, float]]) -> dict[str, str]:
    """Answers a minute up to each edge, for a number of minutes each."""
    return {
        f'{family}_bucket{{job="pack2", route="/", le="{edge}"}}': counter(
            *((minutes, counts[edge]) for minutes, counts in phases)
        )
        for edge in phases[0][1]
    }


def reads(hits: float, misses: float) -> dict[str, str]:
    name = "pack2_cache_requests_total"
    return {
        f'{name}{{job="pack2", outcome="hit"}}': counter((60, hits / 2)),
        f'{name}{{job="pack2", outcome="stale"}}': counter((60, hits / 2)),
        f'{name}{{job="pack2", outcome="miss"}}': counter((60, misses)),
    }


def answers(good: float, bad: float) -> dict[str, str]:
    name = "pack2_http_requests_total"
    found = {f'{name}{{job="pack2", route="/", method="GET", status="2xx"}}': counter((60, good))}
    if bad:
        found[f'{name}{{job="pack2", route="/", method="GET", status="5xx"}}'] = counter((60, bad))
    return found


def machine(busy: float, used: float) -> dict[str, str]:
    """Two processors and a gibibyte."""
    return {
        'pack2_machine_busy_seconds_total{job="pack2", instance="a"}': counter((60, 2 * 60 * busy)),
        'pack2_machine_processors{job="pack2", instance="a"}': gauge((60, 2)),
        'pack2_machine_memory_bytes{job="pack2", instance="a"}': gauge((60, 2**30)),
        'pack2_machine_memory_available_bytes{job="pack2", instance="a"}': gauge((60, 2**30 * (1 - used))),
    }


def response(*cumulative: float) -> dict[str, str]:
    counts = dict(zip(("0.2", "0.5", "1", "2.5", "+Inf"), cumulative, strict=True))
    return buckets("pack2_http_request_duration_seconds", (60, counts))


def query(*cumulative: float) -> dict[str, str]:
    counts = dict(zip(("0.05", "0.1", "0.25", "0.5", "1", "+Inf"), cumulative, strict=True))
    return buckets("pack2_database_query_duration_seconds", (60, counts))


def server(name: str, level: float) -> dict[str, str]:
    return {f'pack2_server_up{{job="pack2", server="{name}"}}': gauge((60, level))}


LIMITS: list[tuple[str, str, dict[str, str], dict[str, str]]] = [
    ("ResponseTime", "within", response(900, 951, 1000, 1000, 1000), {}),
    ("ResponseTime", "above", response(900, 940, 1000, 1000, 1000), {"warning": "583.3ms"}),
    ("ResponseTime", "far", response(0, 900, 940, 1000, 1000), {"warning": "1.25s", "critical": "1.25s"}),
    ("ResponseTime", "no requests", response(0, 0, 0, 0, 0), {}),
    ("QueryTime", "within", query(900, 951, 1000, 1000, 1000, 1000), {}),
    ("QueryTime", "above", query(900, 940, 1000, 1000, 1000, 1000), {"warning": "125ms"}),
    ("QueryTime", "far", query(0, 0, 0, 940, 1000, 1000), {"warning": "583.3ms", "critical": "583.3ms"}),
    ("HitRate", "within", reads(516, 84), {}),
    ("HitRate", "below", reads(504, 96), {"warning": "84%"}),
    ("HitRate", "far", reads(294, 306), {"warning": "49%", "critical": "49%"}),
    ("HitRate", "too few reads", reads(0, 59), {}),
    ("Errors", "none ever", answers(1000, 0), {}),
    ("Errors", "within", answers(991, 9), {}),
    ("Errors", "above", answers(980, 20), {"warning": "2%"}),
    ("Errors", "far", answers(900, 100), {"warning": "10%", "critical": "10%"}),
    ("Errors", "no requests", answers(0, 0), {}),
    ("Cpu", "within", machine(0.79, 0), {}),
    ("Cpu", "above", machine(0.9, 0), {"warning": "90%"}),
    ("Cpu", "far", machine(0.975, 0), {"warning": "97.5%", "critical": "97.5%"}),
    ("Memory", "within", machine(0, 0.84375), {}),
    ("Memory", "above", machine(0, 0.875), {"warning": "87.5%"}),
    ("Memory", "far", machine(0, 0.96875), {"warning": "96.88%", "critical": "96.88%"}),
    ("ApplicationDown", "up", {'up{job="pack2", instance="a"}': gauge((60, 1))}, {}),
    ("ApplicationDown", "down", {'up{job="pack2", instance="a"}': gauge((60, 0))}, {"critical": ""}),
    ("ApplicationDown", "another's", {'up{job="else", instance="a"}': gauge((60, 0))}, {}),
    ("PostgresqlDown", "up", server("postgresql", 1) | server("redis", 0), {}),
    ("PostgresqlDown", "down", server("postgresql", 0) | server("redis", 1), {"critical": ""}),
    ("RedisDown", "up", server("redis", 1) | server("postgresql", 0), {}),
    ("RedisDown", "down", server("redis", 0) | server("postgresql", 1), {"warning": ""}),
    ("ChangeFeedUnproven", "proved", {'pack2_cache_feed_trusted{job="pack2"}': gauge((60, 1))}, {}),
    ("ChangeFeedUnproven", "not", {'pack2_cache_feed_trusted{job="pack2"}': gauge((60, 0))}, {"warning": ""}),
]


@pytest.mark.parametrize(
    ("name", "series", "fires"),
    [pytest.param(name, series, fires, id=f"{name}: {level}") for name, level, series, fires in LIMITS],
)
def test_an_alert_fires_beyond_its_limit_and_not_before(
    name: str, series: dict[str, str], fires: dict[str, str], tmp_path: Path
) -> None:
    """Warning and critical each at its own, told with the value."""
    ask(tmp_path, name, series, fires, "55m")


def test_a_moment_is_no_alert(tmp_path: Path) -> None:
    """Three minutes without PostgreSQL's answer are told, half a minute is not."""
    for down, fires in ((1, {}), (3, {"critical": ""})):
        series = {'pack2_server_up{job="pack2", server="postgresql"}': gauge((50, 1), (down, 0), (10, 1))}
        ask(tmp_path, "PostgresqlDown", series, fires, f"{50 + down - 1}m30s" if down > 1 else "50m45s")


def changed(name: str, usual: float, now: float) -> dict[str, str]:
    return {f'{name}{{job="pack2"}}': counter((DAYS, usual), (NOW, now))}


def times(family: str, edges: tuple[str, ...], usual: Levels, now: Levels) -> dict[str, str]:
    return buckets(family, (DAYS, {edge: usual[edge] for edge in edges}), (NOW, now))


def errors(*slopes: tuple[int, float]) -> dict[str, str]:
    """Of a thousand answers a minute."""
    name = "pack2_http_requests_total"
    good = counter(*((minutes, 1000 - bad) for minutes, bad in slopes))
    return {
        f'{name}{{job="pack2", status="2xx"}}': good,
        f'{name}{{job="pack2", status="5xx"}}': counter(*slopes),
    }


def hits(now: float) -> dict[str, str]:
    """Nine of ten usually, of 600 a minute."""
    name = "pack2_cache_requests_total"
    return {
        f'{name}{{job="pack2", outcome="hit"}}': counter((DAYS, 540), (NOW, now)),
        f'{name}{{job="pack2", outcome="miss"}}': counter((DAYS, 60), (NOW, 600 - now)),
    }


RESPONSE = "pack2_http_request_duration_seconds"
QUERY = "pack2_database_query_duration_seconds"
EDGES = ("0.1", "0.2", "+Inf")
USUAL = {"0.1": 950.0, "0.2": 1000.0, "+Inf": 1000.0}
SLOWER = {"0.1": 900.0, "0.2": 1000.0, "+Inf": 1000.0}
LITTLE = {"0.1": 943.0, "0.2": 1000.0, "+Inf": 1000.0}
TRAFFIC = changed("pack2_http_requests_total", 1000, 1000)
CPU, MEMORY = "pack2_worker_cpu_seconds_total", "pack2_worker_memory_bytes"
WAVES = tuple((60, 20.0 if hour % 2 else 0.0) for hour in range(DAYS // 60))


def memory(now: float) -> dict[str, str]:
    return {f'{MEMORY}{{job="pack2"}}': gauge((DAYS, 2**28), (NOW, now))} | TRAFFIC


WEEK: list[tuple[str, str, dict[str, str], dict[str, str]]] = [
    ("ResponseTimeRegression", "little", times(RESPONSE, EDGES, USUAL, LITTLE) | TRAFFIC, {}),
    ("ResponseTimeRegression", "slower", times(RESPONSE, EDGES, USUAL, SLOWER) | TRAFFIC, {"info": "150ms"}),
    ("QueryTimeRegression", "little", times(QUERY, EDGES, USUAL, LITTLE) | TRAFFIC, {}),
    ("QueryTimeRegression", "slower", times(QUERY, EDGES, USUAL, SLOWER) | TRAFFIC, {"info": "150ms"}),
    ("HitRateRegression", "little", hits(500) | TRAFFIC, {}),
    ("HitRateRegression", "fewer", hits(450) | TRAFFIC, {"info": "75%"}),
    ("ErrorsRegression", "as usual", errors(*WAVES, (NOW, 20)), {}),
    ("ErrorsRegression", "more", errors((DAYS, 5), (NOW, 30)), {"info": "3%"}),
    ("ErrorsRegression", "never before", errors((DAYS, 0), (NOW, 20)), {"info": "2%"}),
    ("CpuRegression", "little", changed(CPU, 60, 84) | TRAFFIC, {}),
    ("CpuRegression", "idle", changed(CPU, 6, 12) | TRAFFIC, {}),
    ("CpuRegression", "spike", changed(CPU, 60, 120) | TRAFFIC, {"info": "2"}),
    ("MemoryRegression", "little", memory(2**28 * 1.4), {}),
    ("MemoryRegression", "spike", memory(2**29), {"info": "512Mi"}),
    ("MemoryRegression", "first day", {f'{MEMORY}{{job="pack2"}}': gauge((DAYS, 2**28), (NOW, 2**29))}, {}),
]


@pytest.mark.parametrize(
    ("name", "series", "fires"),
    [pytest.param(name, series, fires, id=f"{name}: {level}") for name, level, series, fires in WEEK],
)
def test_a_regression_is_told_against_the_days_before(
    name: str, series: dict[str, str], fires: dict[str, str], tmp_path: Path
) -> None:
    """The guide's: + 20 %, - 10 %, + 2 standard deviations, + 50 %; within them nothing is said."""
    ask(tmp_path, name, series, fires, f"{DAYS + NOW - 5}m", interval_seconds=300)


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    """A rule that is added without them makes this fail."""
    cases = LIMITS + WEEK
    fired = {(name, severity) for name, _, _, fires in cases for severity in fires}
    quiet = {key for key in RULES for name, _, _, fires in cases if name == key[0] and key[1] not in fires}
    assert fired == quiet == set(RULES)


def ask(
    folder: Path,
    name: str,
    series: dict[str, str],
    fires: dict[str, str],
    at: str,
    interval_seconds: int = 15,
) -> None:
    """Let promtool compare: at `at` the alert `name` fires in those tiers, with that value in its summary."""
    kept = ("history", "regressions") if name.endswith("Regression") else ("performance", "servers")
    asked = tuple(
        msgspec.structs.replace(group, interval_seconds=interval_seconds)
        for group in groups(Monitoring())
        if group.name in kept
    )
    (folder / "rules.yml").write_bytes(rule_file(asked))
    expected = [_expected(RULES[name, severity], value) for severity, value in fires.items()]
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{interval_seconds}s",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": key, "values": values} for key, values in series.items()],
                "alert_rule_test": [{"eval_time": at, "alertname": name, "exp_alerts": expected}],
            }
        ],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(test, sort_keys=False))
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _expected(rule: Alert, value: str) -> dict[str, Any]:
    summary = rule.summary.replace("{{ $labels.instance }}", "a")
    labels = {"job": "pack2", "severity": rule.severity}
    if rule.name == "ApplicationDown":
        labels["instance"] = "a"
    return {
        "exp_labels": labels,
        "exp_annotations": {
            "summary": re.sub(r"\{\{ \$value .*?\}\}", value, summary),
            "description": rule.description,
            "runbook_url": rule.runbook,
        },
    }
