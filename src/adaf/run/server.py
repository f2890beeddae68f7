"""The web server: granian on the loopback address, one worker a core, for `adaf serve` and `adaf run`."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from tempfile import TemporaryDirectory

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels

from adaf.run.report_worker import report_worker
from adaf.settings import from_environment
from pack2.cache.sealing import KEY_VARIABLE, Sealer
from pack2.monitoring.endpoint import TOKEN_VARIABLE
from pack2.monitoring.exposition import FOLDER_VARIABLE
from pack2.services.ports import require_free_port

HOST = "127.0.0.1"
_READY_SECONDS = 30.0


def own_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def serve(
    port: int,
    *,
    database_url: str,
    redis_url: str,
    cache_key: str,
    metrics_token: str,
    workers: int | None = None,
    on_ready: Callable[[str], None] = lambda _url: None,
) -> None:
    """Serve the dashboard and make its reports until SIGINT or SIGTERM; `on_ready(url)` when it answers.

    Raises PortInUseError, and CacheKeyError before any worker is started: each would fail with it, for ever.
    An open stream is cut after 2 seconds, so that stopping never hangs.
    """
    require_free_port(port)
    os.environ["DATABASE_URL"] = database_url
    os.environ["REDIS_URL"] = redis_url
    os.environ.setdefault(KEY_VARIABLE, cache_key)
    if from_environment().pack2:
        Sealer.from_text(os.environ[KEY_VARIABLE])
    os.environ.setdefault(TOKEN_VARIABLE, metrics_token)
    multiprocessing.set_start_method("spawn", force=True)
    url = f"http://{HOST}:{port}"
    watch = threading.Thread(target=_tell_when_ready, args=(url, on_ready), daemon=True)
    watch.start()
    server = Granian(
        "adaf.run.worker:app",
        address=HOST,
        port=port,
        interface=Interfaces.ASGI,
        factory=True,
        workers=workers or own_cores(),
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        websockets=False,
        backlog=2048,
        workers_kill_timeout=2,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        log_level=LogLevels.warning,
    )
    with TemporaryDirectory(prefix="pack2-metrics-") as folder, report_worker(database_url):
        os.environ[FOLDER_VARIABLE] = folder  # what all workers count, of this start alone
        server.serve()


def _tell_when_ready(url: str, on_ready: Callable[[str], None]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/api/health", timeout=5) as answer:  # noqa: S310  own loopback
                if answer.status == 200:
                    on_ready(url)
                    return
        except OSError:
            time.sleep(0.05)
