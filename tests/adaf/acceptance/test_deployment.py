"""A deployment of the dashboard itself: smoke tests, load test and baseline are really executed; and back."""

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
from dashboard_site import served

from pack2.regression.baseline import read_baseline
from pack2.services import services

pytestmark = [pytest.mark.deep, pytest.mark.timeout(600)]
ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent
CATALOGUE = """
SELECT (SELECT array_agg(relname ORDER BY relname) FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'i', 'I')),
       (SELECT array_agg(tgname ORDER BY tgname) FROM pg_trigger WHERE NOT tgisinternal),
       (SELECT array_agg(proname ORDER BY proname) FROM pg_proc WHERE proname ~ 'pack2|maintenance'),
       to_regnamespace('pack2_tuning')
"""
STEPS = (
    "validate environment", "indexes", "cache", "load tests", "monitoring",
    "build and smoke tests", "health checks", "baseline",
)  # fmt: skip


@dataclass
class Installation:
    """A folder with the dashboard's configuration, its own servers, and the tiny sample, untuned."""

    folder: Path
    database_url: str
    untuned: object
    url: str = ""

    @property
    def environment(self) -> dict[str, str]:
        dropped = {"DATABASE_URL", "REDIS_URL", "PACK2", "GRAFANA_URL", "PROMETHEUS_URL"}
        return {name: value for name, value in os.environ.items() if name not in dropped}

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)

    def catalogue(self) -> object:
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(CATALOGUE).fetchone()


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """Loaded, not tuned; its servers run to the end of the module."""
    folder = Path(tempfile.mkdtemp(prefix="p2-"))
    folder.chmod(0o755)
    (folder / "perf").mkdir()
    for name in ("pack2.toml", "src", "perf/sql", "perf/k6"):
        (folder / name).symlink_to(ROOT / name)
    try:
        with services(folder / ".pack2", database_url=None, redis_url=None) as found:
            made = Installation(folder, found.postgres.url(), None)
            loaded = made.run(BIN / "adaf", "load", "--size", "tiny")
            assert loaded.returncode == 0, loaded.stderr
            made.untuned = made.catalogue()
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def states(answer: subprocess.CompletedProcess[str]) -> dict[str, tuple[str, str]]:
    assert answer.stdout, answer.stderr
    return {step["name"]: (step["state"], step["text"]) for step in json.loads(answer.stdout)["steps"]}


def test_every_step_is_executed_on_a_running_dashboard(installation: Installation) -> None:
    """None is skipped; the baseline can be compared with, and what watches it is written."""
    with served(installation.folder, installation.environment) as url:
        command = (BIN / "pack2", "deploy", "--json", "--url", url, "--baseline-seconds", "80")
        steps = states(installation.run(*command))
        assert tuple(steps) == STEPS, steps
        for name, (state, said) in steps.items():
            assert state == "done", f"{name}: {said}"
        assert "files written" in steps["monitoring"][1]
        assert "GRAFANA_URL is not set" in steps["monitoring"][1]
        assert (installation.folder / "monitoring/rules/performance.yml").is_file()
        assert "4 pages answer" in steps["build and smoke tests"][1]
        assert "listen" in steps["health checks"][1]
        with_runs = read_baseline(str(installation.folder / "perf/baselines/small.json"))
        assert len(with_runs.runs) == 5
        assert sum(run.hits for run in with_runs.runs) > 0
        refused = installation.run(BIN / "pack2", "rollback")
        assert refused.returncode == 2
        assert "PACK2=off" in refused.stderr
        asked = installation.run(BIN / "pack2", "checklist", "long", "--json", "--url", url)
        lines = {line["name"]: line["state"] for line in json.loads(asked.stdout)["lines"]}
        assert lines["baselines are there"] == "done"


def test_the_guides_script_finds_everything_there(installation: Installation) -> None:
    """It starts the application itself; nothing is built again, and the baseline is kept."""
    steps = states(installation.run(ROOT / "scripts/deploy-pack2.sh", "--json"))
    assert {name for name, (state, _) in steps.items() if state != "done"} == {"baseline"}, steps
    assert "monitoring is as it should be" in steps["monitoring"][1]
    assert "present" in steps["indexes"][1]
    assert "built" not in steps["indexes"][1]
    assert "perf/baselines/small.json is there" in steps["baseline"][1]


def test_rolling_back_leaves_the_database_as_it_was(installation: Installation) -> None:
    """No index, trigger, function or rollup of ours is left, and the dashboard serves without them."""
    undone = installation.run(BIN / "pack2", "rollback")
    assert undone.returncode == 0, undone.stdout
    assert installation.catalogue() == installation.untuned
