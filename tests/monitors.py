"""Prometheus and Alertmanager for the tests: real ones on the loopback address, stopped afterwards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pack2.config import Config, Monitoring
from pack2.monitoring.build import build, write_secrets
from pack2.services.ports import free_port

READY_SECONDS = 30


def require(*programs: str) -> None:
    """Leave the test out, saying why, where Debian's packages are not installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (scripts/prometheus.sh)")


def until(holds: Callable[[], Any], seconds: float = READY_SECONDS, what: object = "") -> Any:
    """The first true answer of `holds`."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, what() if callable(what) else what
        time.sleep(0.05)
    return found


def status(url: str, path: str) -> int:
    """0 where nobody answers."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


@contextmanager
def program(
    command: list[str], url: str, ready: str, log: Path, cwd: Path = Path("/"), **environ: str
) -> Iterator[str]:
    """A process that answers at `url` + `ready`, until it is left. It runs elsewhere than its files are."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **environ}, cwd=cwd
        )
    try:
        until(
            lambda: status(url, ready) == 200 or process.poll() is not None,
            what=lambda: log.read_text(errors="replace"),
        )
        assert process.poll() is None, log.read_text(errors="replace")
        yield url
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running_prometheus(folder: Path, monitoring: Monitoring, environment: Mapping[str, str]) -> Iterator[str]:
    """Prometheus with what `pack2 monitoring build` makes."""
    require("prometheus")
    config = Config(monitoring=monitoring)
    build(config, folder)
    write_secrets(config, environment, folder)
    port = free_port()
    command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    command += ["--web.enable-lifecycle"]
    with program(command, f"http://127.0.0.1:{port}", "/-/ready", folder / "prometheus.log") as url:
        yield url


@contextmanager
def running_alertmanager(folder: Path, monitoring: Monitoring) -> Iterator[str]:
    """Alertmanager with `folder/alertmanager.yml`, started there: the webhook's file is found from there."""
    require("prometheus-alertmanager")
    address = monitoring.alertmanagers[0]
    command = ["prometheus-alertmanager", "--config.file=alertmanager.yml"]
    command += [f"--storage.path={folder}/alerts", f"--web.listen-address={address}"]
    command += ["--cluster.listen-address=", "--log.level=warn"]
    log = folder / "alertmanager.log"
    with program(command, f"http://{address}", "/-/ready", log, folder) as url:
        yield url


@contextmanager
def running_dashboard(
    folder: Path, url: str, database_url: str, redis_url: str, token: str
) -> Iterator[None]:
    """`adaf serve` at `url` with one worker, its metrics readable with `token`."""
    for name in ("pack2.toml", "perf", "src"):
        (folder / name).symlink_to(Path(__file__).parents[1] / name)
    port = url.rpartition(":")[2]
    command = [str(Path(sys.executable).parent / "adaf"), "serve", "--workers", "1", "--port", port]
    environ = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "PACK2_METRICS_TOKEN": token}
    with program(command, url, "/api/health", folder / "adaf.log", folder, **environ):
        yield


@contextmanager
def receiver(answer: Callable[[str, str, Mapping[str, str], Any], tuple[int, Any]]) -> Iterator[str]:
    """A small HTTP server: `answer(method, path, headers, body)` gives status and JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            self._answer(json.loads(self.rfile.read(size)))

        do_PUT = do_POST

        def _answer(self, body: Any) -> None:
            code, told = answer(self.command, self.path, dict(self.headers), body)
            content = json.dumps(told).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}"
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()
