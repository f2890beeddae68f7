"""Generated files: the committed ones are pack2.toml's, panels do not overlap, no secret is in them."""

from __future__ import annotations

import json
import stat
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from pack2.config import Config, Monitoring, MonitoringPanel, load_config
from pack2.monitoring.build import DASHBOARD, build, files, write_secrets
from pack2.monitoring.errors import AddressError

ROOT = Path(__file__).parents[4]
CONFIG = load_config(ROOT / "pack2.toml")
BOARD: dict[str, Any] = json.loads(files(CONFIG)[DASHBOARD])
PANELS: list[dict[str, Any]] = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
SECTIONS = ["System health", "API", "Database", "Cache", "Business", "Errors", "Resources"]


def test_the_committed_files_are_those_of_the_configuration() -> None:
    """Generating anew gives the same bytes, and no file is left over from before."""
    committed = {
        str(path.relative_to(ROOT / "monitoring")): path.read_bytes()
        for path in (ROOT / "monitoring").rglob("*")
        if path.is_file() and "secrets" not in path.parts
    }
    assert committed == files(CONFIG)


def test_building_twice_writes_once(tmp_path: Path) -> None:
    """What is as it should be stays; what was changed by hand is put right."""
    assert len(build(CONFIG, tmp_path)) == len(files(CONFIG))
    assert build(CONFIG, tmp_path) == ()
    (tmp_path / "prometheus.yml").write_text("by hand")
    assert build(CONFIG, tmp_path) == (tmp_path / "prometheus.yml",)


def test_secrets_are_apart_and_for_their_owner_alone(tmp_path: Path) -> None:
    """Neither the webhook nor the token is in a generated file; git leaves their folder out."""
    build(CONFIG, tmp_path)
    environment = {"SLACK_WEBHOOK_URL": "http://hook/secret-1", "PACK2_METRICS_TOKEN": "secret-2\n"}
    written = write_secrets(CONFIG, environment, tmp_path)
    assert [path.read_text() for path in written] == ["http://hook/secret-1", "secret-2"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}
    assert write_secrets(CONFIG, environment, tmp_path) == ()
    assert write_secrets(CONFIG, {"SLACK_WEBHOOK_URL": ""}, tmp_path) == ()
    others = [path for path in tmp_path.rglob("*") if path.is_file() and path not in written]
    assert not [path for path in others if b"secret-" in path.read_bytes()]
    assert "/secrets/" in (tmp_path / ".gitignore").read_text().split()


def test_secrets_lie_where_the_configuration_says(tmp_path: Path) -> None:
    """An absolute folder is what both servers are told, and where the files are written."""
    own = Config(monitoring=Monitoring(secrets=str(tmp_path / "etc")))
    (written,) = write_secrets(own, {"PACK2_METRICS_TOKEN": "secret-2"}, tmp_path / "out")
    assert written == tmp_path / "etc/metrics_token"
    found = files(own)
    assert f"credentials_file: {written}\n" in found["prometheus.yml"].decode()
    assert f"api_url_file: {tmp_path}/etc/slack_webhook_url\n" in found["alertmanager.yml"].decode()


@pytest.mark.parametrize("url", ["secret-1", "http://", "ftp://hook/secret-1", "http://u:secret-1/@hook"])
def test_a_webhook_that_is_no_address_is_refused_without_its_text(url: str, tmp_path: Path) -> None:
    """Alertmanager would find out at the first alert only."""
    with pytest.raises(AddressError, match="SLACK_WEBHOOK_URL") as told:
        write_secrets(CONFIG, {"SLACK_WEBHOOK_URL": url}, tmp_path)
    assert "secret" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_the_dashboard_has_the_guides_sections() -> None:
    """In its order, each with panels; that of the business is the application's own."""
    assert [panel["title"] for panel in BOARD["panels"] if panel["type"] == "row"] == SECTIONS
    rows = [index for index, panel in enumerate(BOARD["panels"]) if panel["type"] == "row"]
    assert all(
        after - before > 3 for before, after in zip(rows, [*rows[1:], len(BOARD["panels"])], strict=True)
    )
    declared = CONFIG.monitoring.panel if CONFIG.monitoring else ()
    assert {panel.title for panel in declared} <= {panel["title"] for panel in PANELS}


def test_no_panel_covers_another() -> None:
    """All lie within the 24 columns, without overlap, and their ids differ."""
    places = [panel["gridPos"] for panel in BOARD["panels"]]
    assert all(place["x"] >= 0 and place["w"] > 0 and place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        is_beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        is_below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert is_beside or is_below, (one, other)
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(ids)) == len(ids)


def test_the_source_of_data_is_chosen_in_grafana() -> None:
    """A variable of the kind Prometheus, by which every query goes; a panel's queries differ in name."""
    (variable,) = BOARD["templating"]["list"]
    assert (variable["type"], variable["query"], variable["name"]) == (
        "datasource",
        "prometheus",
        "datasource",
    )
    source = {"type": "prometheus", "uid": "${datasource}"}
    for panel in PANELS:
        assert panel["datasource"] == source
        assert panel["targets"]
        assert all(target["datasource"] == source for target in panel["targets"])
        names = [target["refId"] for target in panel["targets"]]
        assert len(set(names)) == len(names)


def test_titles_and_units_are_there() -> None:
    """A panel without one could not be read."""
    titles = [panel["title"] for panel in PANELS]
    assert all(titles)
    assert all(panel["fieldConfig"]["defaults"]["unit"] for panel in PANELS)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_no_percentile_is_averaged(panel: dict[str, Any]) -> None:
    """Histograms are added up first; windows are Grafana's."""
    for target in panel["targets"]:
        expression = target["expr"]
        if "histogram_quantile" in expression:
            assert "sum by (" in expression
            assert " le)" in expression or "(le" in expression
            assert "avg" not in expression
        if "rate(" in expression or "increase(" in expression:
            assert "[$__rate_interval]" in expression


def test_an_application_has_its_own_name_addresses_and_panels() -> None:
    """What [monitoring] says is in the files; without panels there is no business section."""
    own = Monitoring(
        job="shop",
        targets=("web1:80", "web2:80"),
        path="/m",
        exporters=("db:9187",),
        runbooks="https://wiki/runbooks/",
        panel=(MonitoringPanel("Baskets", "sum(baskets)"),),
    )
    found = files(Config(monitoring=own))
    scrape = yaml.safe_load(found["prometheus.yml"])["scrape_configs"]
    assert [one["job_name"] for one in scrape] == ["shop", "shop-exporters"]
    assert scrape[0]["static_configs"] == [{"targets": ["web1:80", "web2:80"]}]
    assert scrape[0]["metrics_path"] == "/m"
    rules = found["rules/performance.yml"].decode()
    assert 'job="shop"' in rules
    assert "https://wiki/runbooks/api-5xx.md" in rules
    assert b"Baskets" in found[DASHBOARD]
    assert b"Business" not in files(Config())[DASHBOARD]


def test_every_runbook_exists() -> None:
    """An alert leads to a page that is there."""
    for name, content in files(CONFIG).items():
        if name.startswith("rules/"):
            for group in yaml.safe_load(content)["groups"]:
                for rule in group["rules"]:
                    if "alert" in rule:
                        assert (ROOT / rule["annotations"]["runbook_url"]).is_file()
                        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
                        assert rule["annotations"]["summary"]
