"""`pack2 checklist` asks a dashboard that runs: with everything there, and with something broken."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from dashboard_site import PASSWORDS, served

from adaf.sample.passwords import set_passwords
from pack2.config import load_config
from pack2.proof.tuning import tune
from pack2.services import PostgresServer, services

ROOT = Path(__file__).parents[3]
LOAD = ("--rate", "40", "--seconds", "3")


@dataclass
class Deployment:
    """A tuned dashboard that answers at `url`, with a Valkey that is its own."""

    url: str
    database_url: str
    redis_url: str
    folder: Path

    def checklist(
        self, span: str, *arguments: str, url: str = "", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        own = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "ADAF_TEST_PASSWORD": PASSWORDS.test_accounts,
        }
        command = [
            sys.executable,
            "-m",
            "pack2",
            "checklist",
            span,
            "--url",
            url or self.url,
            *LOAD,
            *arguments,
        ]
        return subprocess.run(
            command, cwd=self.folder, env=os.environ | own | environ, capture_output=True, text=True
        )

    def lines(self, span: str, *, url: str = "", **environ: str) -> dict[str, tuple[str, str]]:
        return read(self.checklist(span, "--json", url=url, **environ))


def read(answer: subprocess.CompletedProcess[str]) -> dict[str, tuple[str, str]]:
    assert answer.stdout, answer.stderr
    return {line["name"]: (line["state"], line["text"]) for line in json.loads(answer.stdout)["lines"]}


@pytest.fixture(scope="module")
def deployed(postgres: PostgresServer, sample_database: str) -> Iterator[Deployment]:
    """Indexes, rollups and change feed on a copy of the sample data, and the dashboard on top, PACK2=on."""
    assert sample_database
    folder = Path(tempfile.mkdtemp(prefix="p2-"))  # one that the servers' account reaches
    folder.chmod(0o755)
    (folder / "perf").mkdir()
    for name in ("pack2.toml", "src", "perf/sql", "perf/k6"):
        (folder / name).symlink_to(ROOT / name)
    url = postgres.create_database("deployed", template="sample")
    tune(url, load_config(ROOT / "pack2.toml"))
    with psycopg.connect(url, autocommit=True) as connection:
        set_passwords(connection, PASSWORDS)
    with services(folder / "valkey", database_url=url, redis_url=None, durable=False) as own:
        redis_url = own.redis.url
        environ = os.environ | {"DATABASE_URL": url, "REDIS_URL": redis_url, "PACK2": "on"}
        with served(folder, environ) as address:
            yield Deployment(address, url, redis_url, folder)
    shutil.rmtree(folder)
    postgres.drop_database("deployed")


def test_what_is_deployed_passes(deployed: Deployment) -> None:
    """Indexes, Redis, pages and health are done; three seconds of load are too few to be done, ever."""
    answer = deployed.checklist("immediate", "--json")
    lines = read(answer)
    state, said = lines.pop("short load test passes")
    assert state != "done"
    assert "samples; 1000 are needed" in said
    assert answer.returncode == (state == "failed")
    assert {name: state for name, (state, _) in lines.items()} == {
        "indexes are there": "done",
        "Redis answers": "done",
        "application starts": "done",
        "health checks pass": "done",
        "Grafana dashboard loads": "skipped",
    }, lines
    assert "GRAFANA_URL" in lines["Grafana dashboard loads"][1]


def test_a_dropped_index_is_found(deployed: Deployment) -> None:
    """Its line names it and the command that brings it back; the exit code is 1."""
    with psycopg.connect(deployed.database_url, autocommit=True) as connection:
        query = "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'idx_%' ORDER BY 1 LIMIT 1"
        name, definition = connection.execute(query).fetchone() or ("", "")
        connection.execute(f'DROP INDEX "{name}"')
        try:
            answer = deployed.checklist("immediate")
        finally:
            connection.execute(definition)
    assert answer.returncode == 1
    assert max(map(len, answer.stdout.splitlines())) <= 100
    said = " ".join(answer.stdout.split())
    assert "failed: All declared indexes are there and valid: 25 of 26" in said
    assert f"not: {name}" in said
    assert "pack2 indexes apply" in said


def test_a_stopped_redis_is_found(deployed: Deployment) -> None:
    """Its line says so; the lines that do not need it are asked all the same."""
    state = deployed.folder / "s"
    with services(state, database_url=deployed.database_url, redis_url=None, durable=False) as other:
        gone = other.redis.url
    lines = deployed.lines("immediate", REDIS_URL=gone)
    assert lines["Redis answers"][0] == "failed", lines
    assert "onnect" in lines["Redis answers"][1]
    assert other.redis.url.split(":")[2].partition("@")[0] not in str(lines)
    assert lines["indexes are there"][0] == "done"
    assert lines["health checks pass"][0] == "done"


def test_whether_it_pays_needs_what_was_stored(deployed: Deployment) -> None:
    """The hit rate is measured on the running server; a comparison with nothing is skipped."""
    lines = deployed.lines("short")
    state, said = lines.pop("hit rate above 80 %")
    assert state in {"done", "failed"}
    assert "% " in said
    assert {state for state, _ in lines.values()} == {"skipped"}, lines
    assert all("pack2 loadtest baseline --name before" in said for _, said in lines.values())


def test_a_week_without_a_baseline_fails(deployed: Deployment) -> None:
    """What is asked of files and servers that are not there: one failed line, the others say what to set."""
    answer = deployed.checklist("long")
    assert answer.returncode == 1
    said = " ".join(answer.stdout.split())
    assert "pack2 loadtest baseline --name small" in said
    assert "PROMETHEUS_URL is not set" in said
    assert "long: 0 done, 4 skipped, 1 failed" in said


def test_an_application_that_does_not_answer_fails(deployed: Deployment) -> None:
    """Nothing is done that was not asked; without an address its lines are skipped."""
    lines = deployed.lines("immediate", url="http://127.0.0.1:9")
    assert lines["application starts"][0] == "failed"
    assert lines["health checks pass"][0] == "failed"
    assert lines["short load test passes"][0] == "failed"
