"""`pack2 schedule` as an operator uses it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from croniter import croniter

PACK2 = Path(sys.executable).parent / "pack2"
OWN = """
[schedule]
maintain = ""
baseline = ""
regress = ""

[[schedule.task]]
name = "greet"
cron = "{cron}"
command = ["sh", "-c", "echo hello; exit {code}"]
"""


@pytest.fixture
def environment(database: str, redis_url: str) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": database, "REDIS_URL": redis_url, "COLUMNS": "100"}


def configured(folder: Path, cron: str = "0 0 1 1 *", code: int = 0) -> Path:
    (folder / "pack2.toml").write_text(OWN.format(cron=cron, code=code))
    return folder


def pack2(*words: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [PACK2, "schedule", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_a_task_is_listed_run_and_listed_with_its_end(tmp_path: Path, environment: dict[str, str]) -> None:
    """`run` has the task's output and exit code; `list` remembers them."""
    folder = configured(tmp_path, code=3)
    before = pack2("list", folder=folder, environment=environment)
    assert before.returncode == 0, before.stderr
    assert re.search(r"greet .*0 0 1 1 \*.*-01-01 00:00.*never", before.stdout)
    assert "purge" in before.stdout
    assert "maintain" not in before.stdout
    assert max(map(len, before.stdout.splitlines())) <= 100
    ran = pack2("run", "greet", folder=folder, environment=environment)
    assert (ran.returncode, ran.stdout.splitlines()[0]) == (3, "hello")
    after = json.loads(pack2("list", "--json", folder=folder, environment=environment).stdout)
    (run,) = next(line for line in after if line["name"] == "greet")["runs"]
    assert (run["outcome"], run["exit_code"], run["output"]) == ("failed", 3, "hello\n")


def test_a_long_task_is_followed_while_it_runs(tmp_path: Path, environment: dict[str, str]) -> None:
    """What it prints is there before it has ended."""
    folder = configured(tmp_path)
    waiting = "echo begun; until test -e go; do sleep 0.05; done; echo ended"
    (folder / "pack2.toml").write_text(
        f'[[schedule.task]]\nname = "long"\ncron = "0 0 1 1 *"\ncommand = ["sh", "-c", "{waiting}"]\n'
    )
    running = subprocess.Popen(
        [PACK2, "schedule", "run", "long"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    try:
        assert running.stdout.readline() == "begun\n"
        assert pack2("run", "long", folder=folder, environment=environment).returncode == 75
    finally:
        (folder / "go").touch()
        rest, _ = running.communicate(timeout=30)
    assert (rest.splitlines()[0], running.returncode) == ("ended", 0)


def test_the_purge_really_runs(tmp_path: Path, environment: dict[str, str]) -> None:
    """Pack 2's own task, with its own command."""
    ran = pack2("run", "purge", folder=configured(tmp_path), environment=environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "purge: done" in ran.stdout


def test_a_worker_runs_what_is_due_until_it_is_stopped(tmp_path: Path, environment: dict[str, str]) -> None:
    """A time that passed a minute ago is caught up with; SIGTERM ends the worker."""
    past = datetime.fromtimestamp(time.time() - 60, UTC)
    folder = configured(tmp_path, f"{past.minute} {past.hour} {past.day} {past.month} *")
    worker = subprocess.Popen(
        [PACK2, "schedule", "worker"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    try:
        assert worker.stdout.readline() == "watching 2 tasks\n"
        assert re.fullmatch(rf"greet of {past:%Y-%m-%d %H:%M}: done, exit code 0\n", worker.stdout.readline())
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    finally:
        worker.kill()
        worker.stdout.close()


def test_the_exported_crontab_runs_its_tasks(tmp_path: Path, environment: dict[str, str]) -> None:
    """Each line has times that a cron reads, and a command that a shell runs."""
    folder = configured(tmp_path)
    exported = pack2("export", "--format", "cron", folder=folder, environment=environment)
    assert exported.returncode == 0, exported.stderr
    lines = [line for line in exported.stdout.splitlines() if line and line[0] not in "#C"]
    assert [" ".join(line.split(" ", 5)[:5]) for line in lines] == ["15 4 * * *", "0 0 1 1 *"]
    assert all(croniter.is_valid(" ".join(line.split(" ", 5)[:5])) for line in lines)
    command = lines[1].split(" ", 5)[5]
    assert subprocess.run(["sh", "-c", command], env=environment, cwd="/").returncode == 0
    listed = json.loads(pack2("list", "--json", folder=folder, environment=environment).stdout)
    assert [run["outcome"] for run in listed[1]["runs"]] == ["done"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_exported_units_are_valid(tmp_path: Path, environment: dict[str, str]) -> None:
    """`systemd-analyze verify` has nothing to say about them."""
    words = ("export", "--format", "systemd", "--out", "units")
    exported = pack2(*words, folder=configured(tmp_path), environment=environment)
    names = [line.rsplit("/", 1)[-1] for line in exported.stdout.splitlines()]
    assert names == [f"pack2-{task}.{kind}" for task in ("purge", "greet") for kind in ("service", "timer")]
    files = [str(tmp_path / "units" / name) for name in names]
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True
    )
    assert [line for line in checked.stderr.splitlines() if "pack2-" in line] == []
    assert checked.returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "fly"), "There is no task fly. `pack2 schedule list` shows them: purge, greet."),
        (("export", "--format", "fly"), "fly"),
    ],
)
def test_what_can_not_be_meant_is_one_line(
    tmp_path: Path, environment: dict[str, str], words: tuple[str, ...], said: str
) -> None:
    """With what there is instead."""
    answer = pack2(*words, folder=configured(tmp_path), environment=environment)
    assert answer.returncode != 0
    assert said in answer.stderr + answer.stdout


def test_times_that_are_none_are_told_before_anything_starts(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """The task and what to write instead."""
    answer = pack2("worker", folder=configured(tmp_path, "61 * * * *"), environment=environment)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1)
    assert "`61 * * * *` of the task greet" in answer.stderr
