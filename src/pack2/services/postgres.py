"""The embedded PostgreSQL: initialised, started, found again and adopted after its owner was killed.

The wheel's Python layer is not used: it trusts every local connection and changes modes of parent folders.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psutil

from pack2.services import binaries, processes
from pack2.services.errors import DataDirectoryError, DiskFullError, ServerHungError, ServerStartError
from pack2.services.ports import free_port
from pack2.services.postgres_role import ensure_role
from pack2.services.postgres_settings import as_file, settings_here
from pack2.services.servers import PostgresServer
from pack2.services.state import State

MAJOR = 18
APPLICATION_DATABASE = "adaf"
STOP = ((signal.SIGINT, 2.5), (signal.SIGQUIT, 1.0))
"""Fast shutdown; where its checkpoint takes long, immediate shutdown, which the next start recovers from."""

_INIT_FREE_MB = 200
_START_SECONDS = 60.0
_ATTEMPTS = 8


def start_postgres(state: State, *, durable: bool = True) -> PostgresServer:
    """Find the server of this state folder or start it; its role, rights and extensions are there then."""
    process = running_postgres(state)
    if process is not None:
        _wait_until_ready(state, process)
    else:
        process = _start(state, durable=durable)
    ensure_role(state, lambda role, database: _address(state, role, database))
    return PostgresServer(address=_address(state, "pack2", APPLICATION_DATABASE), pid=process.pid)


def running_postgres(state: State) -> psutil.Process | None:
    """The server that works in this state folder, whoever started it."""
    lines = _pid_file(state)
    return processes.find(int(lines[0]) if lines else None, ("postgres",), state.postgres)


def _start(state: State, *, durable: bool) -> psutil.Process:
    program = binaries.reachable_postgres(binaries.find_postgres(), state.account, state.folder)
    if not state.postgres.exists():
        _initialise(state, program, durable=durable)
    _check_data(state)
    settings = state.postgres / "postgresql.conf"
    settings.write_text(as_file(settings_here(durable=durable)))
    state.account.own(settings, 0o600)
    for attempt in range(1, _ATTEMPTS + 1):
        log_bytes = _log_bytes(state)
        try:
            return _attempt(state, program)
        except ServerStartError:
            if attempt == _ATTEMPTS or not _may_pass(_log_since(state, log_bytes)):
                raise
            time.sleep(0.1 * attempt)
    raise AssertionError


def _attempt(state: State, program: Path) -> psutil.Process:
    command: list[str | Path] = [program, "-D", state.postgres, "-p", str(free_port())]
    command += ["-c", f"unix_socket_directories={state.sockets()}"]
    child = processes.spawn(command, account=state.account, log=state.log("postgres"), cwd=state.postgres)
    process = psutil.Process(child.pid)
    try:
        _wait_until_ready(state, process)
    except BaseException:
        processes.stop([(process, STOP)])
        raise
    return process


def _may_pass(log: str) -> bool:
    """A port taken in the meantime, or the last processes of a killed server on their way out."""
    return "could not bind" in log or "is still in use" in log


def _check_data(state: State) -> None:
    """Refuse data of another version; remove a lock file whose process number has passed to a stranger."""
    try:
        version = (state.postgres / "PG_VERSION").read_text().strip()
    except OSError:
        raise DataDirectoryError(path=state.postgres, reason="is not a PostgreSQL data directory") from None
    if version != str(MAJOR):
        reason = f"was made by PostgreSQL {version}, and this one is {MAJOR}"
        raise DataDirectoryError(path=state.postgres, reason=reason)
    lines = _pid_file(state)
    lock = state.postgres / "postmaster.pid"
    if lock.exists() and (not lines or psutil.pid_exists(int(lines[0]))):
        lock.unlink()


def _initialise(state: State, program: Path, *, durable: bool) -> None:
    """Make the data directory under a temporary name and rename it: a kill leaves no half of one behind."""
    state.require_space(_INIT_FREE_MB)
    for leftover in state.folder.glob("postgres.partial-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    partial = state.folder / f"postgres.partial-{secrets.token_hex(4)}"
    partial.mkdir()
    state.account.own(partial, 0o700)
    password = partial / "password"
    password.touch(mode=0o600)
    password.write_text(state.secret("postgres_superuser"))
    state.account.own(password, 0o600)
    command: list[str | Path] = [program.parent / "initdb", "--pgdata", partial / "data"]
    command += ["--username", "postgres", "--pwfile", password, "--auth", "scram-sha-256"]
    command += ["--encoding", "UTF8", "--locale", "C"]
    command += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    command += [] if durable else ["--no-sync"]
    log_bytes = _log_bytes(state)
    initdb = processes.spawn(command, account=state.account, log=state.log("postgres"), cwd=Path("/"))
    if _wait(initdb) != 0:
        shutil.rmtree(partial, ignore_errors=True)
        raise _start_error(state, log_bytes)
    (partial / "data").rename(state.postgres)
    shutil.rmtree(partial)


def _wait(child: subprocess.Popen[bytes]) -> int:
    try:
        return child.wait()
    except BaseException:
        processes.stop([(psutil.Process(child.pid), [(signal.SIGTERM, 2.0)])])
        raise


def _wait_until_ready(state: State, process: psutil.Process) -> None:
    """Wait until postmaster.pid says ready. Raises ServerStartError where the process ends before."""
    log_bytes = max(_log_bytes(state) - 4000, 0)
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        lines = _pid_file(state)
        if len(lines) >= 8 and int(lines[0]) == process.pid and lines[7] == "ready":
            return
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            raise _start_error(state, log_bytes)
        time.sleep(0.01)
    log = state.log("postgres")
    raise ServerHungError(server="PostgreSQL", pid=process.pid, seconds=_START_SECONDS, log=log)


def _address(state: State, role: str, database: str) -> str:
    password = state.secret({"postgres": "postgres_superuser"}.get(role, f"postgres_{role}"))
    return f"postgresql://{role}:{quote(password)}@127.0.0.1:{_pid_file(state)[3]}/{database}"


def _pid_file(state: State) -> list[str]:
    """postmaster.pid: pid, data directory, start time, port, socket folder, address, memory, status."""
    with contextlib.suppress(OSError):
        lines = (state.postgres / "postmaster.pid").read_text().splitlines()
        if lines and lines[0].strip().isdigit():
            return [line.strip() for line in lines]
    return []


def _log_bytes(state: State) -> int:
    log = state.log("postgres")
    return log.stat().st_size if log.exists() else 0


def _log_since(state: State, start_bytes: int) -> str:
    with state.log("postgres").open("rb") as file:
        file.seek(start_bytes)
        return file.read().decode(errors="replace")


def _start_error(state: State, log_bytes: int) -> ServerStartError | DiskFullError:
    text = _log_since(state, log_bytes)
    if "No space left on device" in text:
        return state.disk_full()
    lines = re.findall(r"(?:FATAL|PANIC|error):\s*(.*)", text)
    last = [line for line in text.splitlines() if line.strip()][-1:]
    reason = (lines[-1:] or last or ["it ended at once"])[0]
    return ServerStartError(server="PostgreSQL", reason=reason, log=state.log("postgres"))
