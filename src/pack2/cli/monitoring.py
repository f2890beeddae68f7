"""`pack2 monitoring`: dashboard, rules and alerts, made from pack2.toml."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from pack2.cli.database import Json
from pack2.config import load_config
from pack2.monitoring import build as made
from pack2.monitoring import check as judge
from pack2.monitoring.grafana import Imported, import_dashboard
from pack2.monitoring.prometheus import reload_rules

app = App(
    name="monitoring",
    help="The dashboard, rules and alerts of Prometheus and Grafana, from pack2.toml."
    "\n\nExample: `pack2 monitoring build`",
)
ConfigPath = Annotated[Path, Parameter(env_var="PACK2_CONFIG")]
_CONFIG = Path("pack2.toml")
_STYLES = {"pass": "green", "fail": "red", "unknown": "yellow", "skipped": "yellow"}
_STYLES |= {"created": "green", "updated": "green", "unchanged": "green"}


@app.command
def build(*, config: ConfigPath = _CONFIG, out: Path = made.FOLDER, json: Json = False) -> None:
    """Write the dashboard, Prometheus' and Alertmanager's configuration; what is as it should be stays.

    SLACK_WEBHOOK_URL and PACK2_METRICS_TOKEN, where they are set, go to files in `secrets/` there, which git
    leaves out.

    Example: `pack2 monitoring build`

    Parameters
    ----------
    config
        The configuration.
    out
        The folder to write to.
    json
        Print JSON.
    """
    settings = load_config(config)
    written = (*made.build(settings, out), *made.write_secrets(settings, os.environ, out))
    if json:
        print(msgspec.json.encode([str(path) for path in written]).decode())
        return
    for path in written:
        print(path)
    if not written:
        print(f"{out} is as it should be: nothing was written")


@app.command
def check(*, config: ConfigPath = _CONFIG, folder: Path = made.FOLDER, json: Json = False) -> int:
    """Let promtool and amtool read what was built; ask PROMETHEUS_URL for every panel's data.

    Exit code 1: something is wrong, or a panel has no data; 2: a tool is missing.

    Example: `PROMETHEUS_URL=http://127.0.0.1:9090 pack2 monitoring check`

    Parameters
    ----------
    config
        The configuration.
    folder
        What was built.
    json
        Print JSON.
    """
    found = judge.check(load_config(config), os.environ, folder)
    _print(found, "evidence", json=json)
    return judge.exit_code(found)


@app.command
def reload(*, config: ConfigPath = _CONFIG, json: Json = False) -> int:
    """Tell the Prometheus of PROMETHEUS_URL to read its files again, and ask which of our rules it has then.

    Exit code 1: it did not, or rules are missing or fail.

    Example: `PROMETHEUS_URL=http://127.0.0.1:9090 pack2 monitoring reload`

    Parameters
    ----------
    config
        The configuration.
    json
        Print JSON.
    """
    found = reload_rules(load_config(config), os.environ)
    _print(found, "evidence", json=json)
    return judge.exit_code(found)


@app.command(name="import")
def into_grafana(*, config: ConfigPath = _CONFIG, json: Json = False) -> None:
    """Put the dashboard into the Grafana of GRAFANA_URL; with PROMETHEUS_URL, its data source too.

    Signs in by GRAFANA_TOKEN, or GRAFANA_USER and GRAFANA_PASSWORD. A second time changes nothing.

    Example: `GRAFANA_URL=http://127.0.0.1:3000 pack2 monitoring import`

    Parameters
    ----------
    config
        The configuration.
    json
        Print JSON.
    """
    _print(import_dashboard(load_config(config), os.environ), "where", json=json)


def _print(found: Sequence[judge.Finding | Imported], title: str, *, json: bool) -> None:
    if json:
        print(msgspec.json.encode(found).decode())
        return
    table = Table("", "what", title, width=100)
    for one in found:
        table.add_row(f"[{_STYLES[one.state]}]{one.state}", one.subject, one.text)
    Console(width=100).print(table)
