"""Are the generated files right? Tools of Prometheus and Alertmanager say it, and a running Prometheus."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlencode

import msgspec

from pack2.config import Config, Monitoring
from pack2.monitoring.build import FOLDER, files
from pack2.monitoring.client import Server, server
from pack2.monitoring.panels import queries
from pack2.monitoring.rules import MINUTE, Group, Recorded, rule_file

WINDOW: Final = "5m"
TOOLS_SECONDS: Final = 60
State = Literal["pass", "fail", "unknown", "skipped"]


class Finding(msgspec.Struct, frozen=True):
    """`unknown`: a tool to ask with is missing; `skipped`: there is no server to ask."""

    subject: str
    state: State
    text: str


def check(config: Config, environment: Mapping[str, str], folder: Path = FOLDER) -> tuple[Finding, ...]:
    """All findings: files, tools, then the queries of the dashboard on the Prometheus of PROMETHEUS_URL.

    Raises AddressError and MonitorUnreachableError where PROMETHEUS_URL leads nowhere.
    """
    monitoring = config.monitoring or Monitoring()
    found = [up_to_date(config, folder), *by_tools(monitoring, folder)]
    url = environment.get("PROMETHEUS_URL", "")
    if url:
        found += answered(monitoring, server("PROMETHEUS_URL", url))
    else:
        found.append(Finding("panels have data", "skipped", "PROMETHEUS_URL is not set"))
    return tuple(found)


def exit_code(found: Iterable[Finding]) -> int:
    """1 where something is wrong, 2 where a tool is missing."""
    states = {finding.state for finding in found}
    return 1 if "fail" in states else 2 if "unknown" in states else 0


def up_to_date(config: Config, folder: Path) -> Finding:
    """The files are those that `pack2 monitoring build` would write."""
    wrong = [
        name
        for name, content in files(config).items()
        if not (folder / name).is_file() or (folder / name).read_bytes() != content
    ]
    if wrong:
        text = f"missing or changed: {', '.join(wrong)}. Run `pack2 monitoring build`."
        return Finding("files", "fail", text)
    return Finding("files", "pass", f"{len(files(config))} files in {folder} are as pack2.toml says")


def by_tools(monitoring: Monitoring, folder: Path) -> Iterator[Finding]:
    """What promtool and amtool say; secrets need not be there."""
    rules = sorted(map(str, folder.glob("rules/*.yml")))
    scrape, routes = str(folder / "prometheus.yml"), str(folder / "alertmanager.yml")
    yield _asked("scrape configuration", ["promtool", "check", "config", "--syntax-only", scrape])
    yield _asked("rules", ["promtool", "check", "rules", "--lint=all", *rules])
    yield _asked("alert routing", ["amtool", "check-config", routes])
    with tempfile.TemporaryDirectory(prefix="pack2-monitoring-") as temporary:
        path = Path(temporary, "panels.yml")
        path.write_bytes(rule_file([_as_rules(monitoring)]))
        yield _asked("panels' queries", ["promtool", "check", "rules", "--lint=none", str(path)])


def answered(monitoring: Monitoring, prometheus: Server) -> Iterator[Finding]:
    """Each query that has no answer, or that all have one."""
    asked = tuple(queries(monitoring, WINDOW))
    empty = 0
    for title, query in asked:
        if wrong := _unanswered(prometheus, query):
            empty += 1
            yield Finding(title, "fail", f"{wrong}: {query}")
    if not empty:
        yield Finding("panels have data", "pass", f"{len(asked)} queries have an answer")


def _unanswered(prometheus: Server, query: str) -> str:
    """ "" where there is at least one sample."""
    answer = prometheus.ask(f"/api/v1/query?{urlencode({'query': query})}")
    told = answer.json()
    if answer.status != 200 or not isinstance(told, dict):
        reason = told.get("error") if isinstance(told, dict) else ""
        return f"status {answer.status}{f', {reason}' if reason else ''}"
    return "" if told["data"]["result"] else "no data"


def _as_rules(monitoring: Monitoring) -> Group:
    """The panels' queries as rules, since promtool reads those without a server."""
    asked = queries(monitoring, WINDOW)
    rules = tuple(Recorded(f"panel:{n}", query, {}) for n, (_, query) in enumerate(asked))
    return Group("panels", rules, MINUTE)


def _asked(subject: str, command: list[str]) -> Finding:
    program = shutil.which(command[0])
    if program is None:
        text = f"{command[0]} is not installed. Debian: apt install prometheus prometheus-alertmanager"
        return Finding(subject, "unknown", text)
    done = subprocess.run(
        [program, *command[1:]], capture_output=True, text=True, check=False, timeout=TOOLS_SECONDS
    )
    if done.returncode == 0:
        return Finding(subject, "pass", f"{command[0]} accepts them")
    said = " ".join((done.stdout + done.stderr).split())
    return Finding(subject, "fail", f"{command[0]}: {said[-400:]}")
