"""`pack2 loadtest` and `pack2 regress` as a user types them, against an application at a URL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from tests.pack2.integration.loadtest.visited import Visited

PACK2 = Path(sys.executable).parent / "pack2"
SCRIPT = Path("tests/pack2/examples/visits/load-test.js").resolve()
CONFIG = """
[application]
command = []
load = []
load_test = "{script}"

[application.accounts]
email = "{email}"
secret = "visits"
password_variable = "VISITS_PASSWORD"
sign_in = "/sign-in"
"""


@pytest.fixture
def url() -> Iterator[str]:
    """The application on a free port."""
    server = uvicorn.Server(uvicorn.Config(Visited(), port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def pack2(
    folder: Path, *arguments: str, email: str = "load-{number}@test.invalid"
) -> subprocess.CompletedProcess[str]:
    (folder / "pack2.toml").write_text(CONFIG.format(script=SCRIPT, email=email))
    environment = {**os.environ, "VISITS_PASSWORD": "a password", "COLUMNS": "100"}
    return subprocess.run([PACK2, *arguments], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.deep
def test_a_baseline_is_made_accepted_and_compared(tmp_path: Path, url: str) -> None:
    """The result is kept by name; compared with itself nothing is worse; elsewhere it is invalid."""
    made = pack2(
        tmp_path, "loadtest", "baseline", "--url", url, "--rate", "300", "--duration", "6", "--name", "mine",
    )  # fmt: skip
    result = tmp_path / "build/loadtest/baseline.json"
    verdict = json.loads(result.read_text())["verdict"]
    assert made.returncode == {"pass": 0, "fail": 1, "invalid": 2}[verdict], made.stderr
    assert max(map(len, made.stdout.splitlines())) <= 100
    kept = tmp_path / "perf/baselines/mine.json"
    if verdict == "invalid":
        pytest.skip(f"this machine was too busy: {made.stderr or made.stdout[-300:]}")
    compared = ("regress", "check", "--baseline", "mine", "--result", str(result))
    same = pack2(tmp_path, *compared)
    assert (same.returncode, "regression check: pass" in same.stdout) == (0, True), same.stdout + same.stderr
    foreign = json.loads(kept.read_text())
    foreign["fingerprint"]["cores"] = "640"
    kept.write_text(json.dumps(foreign))
    elsewhere = pack2(tmp_path, *compared, "--json")
    assert (elsewhere.returncode, json.loads(elsewhere.stdout)["verdict"]) == (2, "invalid")
    assert pack2(tmp_path, *compared, "--accept-environment").returncode == 0
    accepted = pack2(tmp_path, "regress", "accept", "--baseline", "mine")
    assert accepted.stdout.strip() == "perf/baselines/mine.json"
    assert pack2(tmp_path, *compared).returncode == 0


def test_what_can_not_be_done_is_one_line(tmp_path: Path) -> None:
    """No baseline, an unknown account's domain, nobody at the URL: exit code 2 and what to do."""
    for arguments, email, reason in (
        (("regress", "check"), "load-{number}@test.invalid", "pack2 loadtest baseline"),
        (
            ("loadtest", "load", "--url", "http://127.0.0.1:9"),
            "a-{number}@bank.com",
            "may belong to somebody",
        ),
        (("loadtest", "load", "--url", "http://127.0.0.1:9"), "a-{number}@a.test", "does not answer"),
    ):
        done = pack2(tmp_path, *arguments, email=email)
        assert done.returncode == 2
        assert reason in done.stderr
        assert len([line for line in done.stderr.splitlines() if line.startswith("error")]) == 1
