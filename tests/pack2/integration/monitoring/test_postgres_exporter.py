"""The queries for postgres_exporter, which runs them on a real PostgreSQL: every metric is exported."""

from __future__ import annotations

from pathlib import Path

import psycopg
import yaml
from prometheus_client.parser import text_string_to_metric_families

from monitors import program, require
from pack2.config import Config
from pack2.monitoring.build import files
from pack2.proof.client import send
from pack2.services.ports import free_port

QUERIES = files(Config())["postgres_exporter.yml"]
KINDS = {"COUNTER": "counter", "GAUGE": "gauge"}


def test_every_metric_is_exported_and_no_label_holds_a_value_of_a_row(database: str, tmp_path: Path) -> None:
    """Of statements, tables and indexes: with their names or numbers, never with their text."""
    require("prometheus-postgres-exporter")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE people (name text PRIMARY KEY)")
        connection.execute("INSERT INTO people VALUES ('a personal name')")
    path = tmp_path / "queries.yml"
    path.write_bytes(QUERIES)
    url = f"http://127.0.0.1:{free_port()}"
    command = ["prometheus-postgres-exporter", f"--extend.query-path={path}", "--disable-default-metrics"]
    command += ["--disable-settings-metrics", f"--web.listen-address={url.removeprefix('http://')}"]
    source = f"{database}?sslmode=disable"
    with program(command, url, "/", tmp_path / "exporter.log", DATA_SOURCE_NAME=source):
        text = send(url, "/metrics").body.decode()
    found = {family.name: family for family in text_string_to_metric_families(text)}
    for query, declared in yaml.safe_load(QUERIES).items():
        for column in declared["metrics"]:
            ((name, told),) = column.items()
            if told["usage"] != "LABEL":
                family = found[f"{query}_{name}"]
                assert family.type in {KINDS[told["usage"]], "unknown"}
                assert family.samples
    samples = [sample for family in found.values() for sample in family.samples]
    labels = {value for sample in samples for value in sample.labels.values()}
    assert {"public.people", "public.people_pkey"} <= labels
    assert "a personal name" not in text
    assert not [label for label in labels if "INSERT" in label]
