"""The embedded Valkey: a cache, so nothing is written to disk; reached by a Unix socket and a password."""

from __future__ import annotations

import contextlib
import hashlib
import signal
import time
from pathlib import Path
from urllib.parse import quote

import psutil
import redis

from pack2.services import binaries, processes
from pack2.services.errors import ServerHungError, ServerStartError
from pack2.services.servers import RedisServer
from pack2.services.state import State

STOP = ((signal.SIGTERM, 1.5),)

RIGHTS = (
    "-@all +@read +@write +@connection +@transaction +@scripting -@admin -@dangerous"
    " +info +config|get +slowlog|get +slowlog|len +latency|latest +flushdb"
)
"""Entries and statistics: no settings, no users, nothing that copies, stops or empties the whole server."""

_START_SECONDS = 20.0
_NAMES = ("valkey-server", "redis-server")


def start_valkey(state: State) -> RedisServer:
    """Find the server of this state folder or start it."""
    process = running_valkey(state)
    if process is not None and not _answers(state, process):
        processes.stop([(process, STOP)])
        process = None
    if process is None:
        process = _start(state)
    return RedisServer(url=_url(state), pid=process.pid)


def running_valkey(state: State) -> psutil.Process | None:
    """The server of this state folder, whoever started it."""
    try:
        pid: int | None = int((state.valkey / "valkey.pid").read_text())
    except (OSError, ValueError):
        pid = None
    return processes.find(pid, _NAMES, state.valkey / "valkey.conf")


def _start(state: State) -> psutil.Process:
    program = binaries.reachable_valkey(binaries.find_valkey(), state.account, state.folder)
    state.valkey.mkdir(exist_ok=True)
    state.account.own(state.valkey, 0o700)
    configuration = state.valkey / "valkey.conf"
    configuration.write_text(_configuration(state))
    state.account.own(configuration, 0o600)
    (state.valkey / "valkey.pid").unlink(missing_ok=True)
    command = [program, configuration]
    child = processes.spawn(command, account=state.account, log=state.log("valkey"), cwd=state.valkey)
    process = psutil.Process(child.pid)
    try:
        if not _answers(state, process):
            raise ServerStartError(server="Valkey", reason=_last_words(state), log=state.log("valkey"))
    except BaseException:
        processes.stop([(process, STOP)])
        raise
    return process


def _answers(state: State, process: psutil.Process) -> bool:
    """True once it answers to our password; False where it has ended, or knows another password.

    Raises ServerHungError where it does neither.
    """
    deadline = time.monotonic() + _START_SECONDS
    client = redis.Redis.from_url(_url(state), socket_timeout=2, socket_connect_timeout=2)
    with contextlib.closing(client):
        while time.monotonic() < deadline:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return False
            try:
                client.ping()
            except redis.AuthenticationError:
                return False
            except (redis.ConnectionError, redis.TimeoutError):
                time.sleep(0.01)
            else:
                return True
    raise ServerHungError(server="Valkey", pid=process.pid, seconds=_START_SECONDS, log=state.log("valkey"))


def _last_words(state: State) -> str:
    lines = state.log("valkey").read_text(errors="replace").splitlines()
    return lines[-1] if lines else "it ended at once"


def _configuration(state: State) -> str:
    """Tag counters have no time-to-live and entries have one: `volatile-lfu` never evicts a counter."""
    memory_mb = min(max(psutil.virtual_memory().total // 16 // 2**20, 64), 512)
    password = hashlib.sha256(state.secret("valkey").encode()).hexdigest()
    lines = [
        "port 0",
        f'unixsocket "{_socket(state)}"',
        "unixsocketperm 700",
        "user default off",
        f"user pack2 on #{password} ~* {RIGHTS}",
        'save ""',
        "appendonly no",
        f"maxmemory {memory_mb}mb",
        "maxmemory-policy volatile-lfu",
        "daemonize no",
        "set-proc-title no",
        f'pidfile "{state.valkey / "valkey.pid"}"',
        f'dir "{state.valkey}"',
    ]
    return "\n".join(lines) + "\n"


def _socket(state: State) -> Path:
    return state.sockets() / "valkey.sock"


def _url(state: State) -> str:
    return f"unix://pack2:{quote(state.secret('valkey'))}@{quote(str(_socket(state)))}"
