"""`adaf run` and `adaf serve` as a user types them, on real servers of their own."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from pack2.services.ports import free_port

ROOT = Path(__file__).parents[3]
ADAF = Path(sys.executable).parent / "adaf"
READY_SECONDS = 240


@pytest.fixture
def checkout(server_folder: Path) -> Path:
    """A working directory with the repository's configuration and a state folder of its own."""
    folder = server_folder.parent
    for name in ("pack2.toml", "perf", "src"):
        (folder / name).symlink_to(ROOT / name)
    server_folder.rename(folder / ".pack2")
    server_folder.symlink_to(".pack2")
    return folder


def start(checkout: Path, *arguments: str) -> subprocess.Popen[str]:
    """`adaf ARGUMENTS` with neither DATABASE_URL nor REDIS_URL."""
    environment = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL", "PACK2"}}
    return subprocess.Popen(
        [ADAF, *arguments],
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def running(checkout: Path, *arguments: str) -> Iterator[tuple[str, str]]:
    """What it printed until it was ready, and its URL; ends by Ctrl-C, within 5 seconds."""
    process = start(checkout, *arguments)
    printed = ""
    try:
        assert process.stdout
        for line in process.stdout:
            printed += line
            if "operator@adaf.test" in line:
                break
        found = re.search(r"http://127\.0\.0\.1:\d+", printed)
        assert found, printed
        yield printed, found[0]
    finally:
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, printed
        while left := survivors(checkout):
            assert time.monotonic() - started < 5, left
            time.sleep(0.05)
        assert time.monotonic() - started < 5


def survivors(checkout: Path) -> list[str]:
    """Servers that still name `checkout` in their command line or work in it."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd", "status", "pid"]):
        line = " ".join(process.info["cmdline"] or [])
        inside = str(checkout) in line or str(process.info["cwd"]).startswith(str(checkout))
        if inside and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(line)
    return found


def sign_in(url: str, printed: str) -> int:
    """The status of signing the viewer in with the printed password."""
    password = re.search(r"viewer@adaf\.test\s+(\S+)", printed)
    assert password
    body = json.dumps({"email": "viewer@adaf.test", "password": password[1]}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/api/auth/sign-in", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(answer.status)


@pytest.mark.alone
def test_the_dashboard_is_served_tuned_and_stops_at_ctrl_c(checkout: Path) -> None:
    """From an empty state folder to a dashboard that the printed password opens; again, and faster."""
    port = str(free_port())
    for _ in range(2):
        with running(checkout, "run", "--serve-only", "--size", "tiny", "--port", port) as (printed, url):
            assert url.endswith(port)
            assert sign_in(url, printed) in (200, 201)


def test_a_busy_port_is_told_before_anything_starts(checkout: Path) -> None:
    """One line names the holder and --port; exit code 2; no server was started."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        process = start(checkout, "run", "--serve-only", "--size", "tiny", "--port", str(port))
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert re.fullmatch(rf"error: Port {port} is in use by process {os.getpid()} .*--port\.\n", output)
    assert survivors(checkout) == []


def test_serving_an_empty_database_is_refused(checkout: Path) -> None:
    """`adaf serve` names the command that loads it."""
    process = start(checkout, "serve", "--port", str(free_port()))
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "adaf load" in output
    assert survivors(checkout) == []


@pytest.mark.parametrize(("key", "reason"), [("", "is not set"), ("abc", "is not base64")])
def test_without_a_key_for_what_is_sensitive_nothing_is_served(
    checkout: Path, sample_copy: str, redis_url: str, key: str, reason: str
) -> None:
    """`adaf serve` says in one line what is wrong with it and ends, where workers would die for ever."""
    servers = {"DATABASE_URL": sample_copy, "REDIS_URL": redis_url, "PACK2_CACHE_KEY": key}
    answer = subprocess.run(
        [ADAF, "serve", "--port", str(free_port())],
        cwd=checkout,
        env={**os.environ, **servers, "PACK2": "on"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"error: PACK2_CACHE_KEY {reason}. ")
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.deep
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(4))
def test_a_killed_run_is_followed_by_one_that_works(checkout: Path, seed: int) -> None:
    """SIGKILL at random moments of loading, tuning, serving; then the same command serves and stops."""
    moments = random.Random(seed)
    arguments = ("run", "--serve-only", "--size", "tiny", "--port", str(free_port()))
    for _ in range(4):
        process = start(checkout, *arguments)
        try:
            process.wait(moments.uniform(0.5, 20.0))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
    with running(checkout, *arguments) as (printed, url):
        assert sign_in(url, printed) in (200, 201)
