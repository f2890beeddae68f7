"""The application's servers, one a variant: the same command, the same core, another database, PACK2 off
or on."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from pack2.config import Application
from pack2.proof.client import send
from pack2.proof.databases import filled
from pack2.proof.errors import ServerNotReadyError
from pack2.proof.model import Variant
from pack2.services.ports import free_port
from pack2.services.processes import ends_with_parent

_READY_SECONDS = 30.0
_STOP_SECONDS = 4.0


@dataclass(frozen=True)
class Server:
    """A running application server."""

    variant: Variant
    base_url: str
    database_url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None


@contextmanager
def running(
    application: Application,
    variant: Variant,
    *,
    database_url: str,
    variables: Mapping[str, str],
    cores: frozenset[int],
    log: Path,
) -> Iterator[Server]:
    """Start the application for `variant`, wait until it is ready, stop it and its children when we leave."""
    port = free_port()
    command = filled(application.command, port=str(port), workers=str(max(1, len(cores))))
    environment = {
        **os.environ,
        **variables,
        "DATABASE_URL": database_url,
        "PACK2": "off" if variant == "before" else "on",
        "PYTHONUNBUFFERED": "1",
    }
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=lambda: _in_child(cores),
        )
    server = Server(variant, f"http://127.0.0.1:{port}", database_url, process, log)
    try:
        _wait_until_ready(server, application.ready)
        yield server
    finally:
        _stop(process)


def _in_child(cores: frozenset[int]) -> None:
    """A proof that is killed leaves no application server behind."""
    ends_with_parent()
    if cores:
        os.sched_setaffinity(0, cores)


def _wait_until_ready(server: Server, path: str) -> None:
    url = server.base_url + path
    deadline = time.monotonic() + _READY_SECONDS
    reason = "no answer"
    while time.monotonic() < deadline:
        if not server.alive:
            lines = server.log.read_text(errors="replace").strip().splitlines() or ["it ended at once"]
            reason = lines[-1][:300]
            break
        answer = send(server.base_url, path, timeout_seconds=5)
        if answer.status == 200:
            return
        reason = f"status {answer.status}" if answer.status else answer.body.decode(errors="replace")
        time.sleep(0.05)
    raise ServerNotReadyError(
        variant=server.variant, url=url, seconds=_READY_SECONDS, reason=reason, log=server.log
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(process.pid)
        family = [root, *root.children(recursive=True)]
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    for member in family:
        with contextlib.suppress(psutil.Error):
            member.kill()
    process.wait()
