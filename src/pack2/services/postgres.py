"""The embedded PostgreSQL: initialised, started, found again and adopted after its owner was killed.

The wheel's own Python layer is not used: it trusts every local connection and changes the modes of parent folders.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from pack2.services import binaries, processes
from pack2.services.errors import DataDirectoryError, ServerHungError, ServerStartError
from pack2.services.postgres_settings import as_file, settings_here
from pack2.services.servers import PostgresServer
from pack2.services.state import State

MAJOR = 18
APPLICATION_DATABASE = "adaf"
STOP = ((signal.SIGINT, 2.5), (signal.SIGQUIT, 1.0))
"""Fast shutdown; where its checkpoint takes too long, immediate shutdown, which the next start recovers from."""

_INIT_FREE_MB = 200
_START_SECONDS = 60.0
_ATTEMPTS = 5


def start_postgres(state: State, *, durable: bool = True) -> PostgresServer:
    """Find the server of this state folder or start it; its role, rights and extensions are there afterwards."""
    program = binaries.reachable_postgres(binaries.find_postgres(), state.account, state.folder)
    process = running_postgres(state)
    if process is None:
        _check_data(state)
        if not state.postgres.exists():
            _initialise(state, program, durable=durable)
        process = _start(state, program, durable=durable)
    else:
        _wait_until_ready(state, process, fresh=False)
    _ensure_role(state)
    address = _address(state, "pack2", state.secret("postgres_pack2"), APPLICATION_DATABASE)
    return PostgresServer(address=address, pid=process.pid)


def running_postgres(state: State) -> psutil.Process | None:
    """The server that works in this state folder, whoever started it."""
    lines = _pid_file(state)
    return processes.find(int(lines[0]), "postgres", state.postgres) if lines else None


def _check_data(state: State) -> None:
    """Refuse data of another version, and take away a lock file whose process number has passed to a stranger."""
    if not state.postgres.exists():
        return
    try:
        version = (state.postgres / "PG_VERSION").read_text().strip()
    except OSError:
        raise DataDirectoryError(path=state.postgres, reason="is not a PostgreSQL data directory") from None
    if version != str(MAJOR):
        reason = f"was made by PostgreSQL {version}, and this one is {MAJOR}"
        raise DataDirectoryError(path=state.postgres, reason=reason)
    lines = _pid_file(state)
    if lines and psutil.pid_exists(int(lines[0])):
        (state.postgres / "postmaster.pid").unlink()


def _initialise(state: State, program: Path, *, durable: bool) -> None:
    """Make the data directory under a temporary name and rename it: a kill leaves no half of one behind."""
    state.require_space(_INIT_FREE_MB)
    for leftover in state.folder.glob("postgres.partial-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    partial = state.folder / f"postgres.partial-{secrets.token_hex(4)}"
    partial.mkdir()
    state.account.own(partial, 0o700)
    password = partial / "password"
    password.write_text(state.secret("postgres_superuser"))
    state.account.own(password, 0o600)
    data = partial / "data"
    command: list[str | Path] = [program.parent / "initdb", "--pgdata", data, "--username", "postgres"]
    command += ["--pwfile", password, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"]
    command += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    command += [] if durable else ["--no-sync"]
    initdb = processes.spawn(command, account=state.account, log=state.log("postgres"), cwd=Path("/"))
    try:
        failed = initdb.wait() != 0
    except BaseException:
        processes.stop([(psutil.Process(initdb.pid), [(signal.SIGTERM, 2.0)])])
        raise
    if failed:
        shutil.rmtree(partial, ignore_errors=True)
        raise _start_error(state)
    data.rename(state.postgres)
    shutil.rmtree(partial)


def _start(state: State, program: Path, *, durable: bool) -> psutil.Process:
    settings = state.postgres / "postgresql.conf"
    settings.write_text(as_file(settings_here(durable=durable)))
    state.account.own(settings, 0o600)
    for attempt in range(1, _ATTEMPTS + 1):
        command: list[str | Path] = [program, "-D", state.postgres, "-p", str(_free_port())]
        command += ["-c", f"unix_socket_directories={state.sockets()}"]
        mark = _log_size(state)
        child = processes.spawn(command, account=state.account, log=state.log("postgres"), cwd=state.postgres)
        try:
            return _wait_until_ready(state, psutil.Process(child.pid), fresh=True, child=child)
        except ServerStartError:
            if attempt == _ATTEMPTS or not _may_pass(_log_since(state, mark)):
                raise
            time.sleep(0.2 * attempt)
        except BaseException:
            processes.stop([(psutil.Process(child.pid), STOP)])
            raise
    raise AssertionError


def _may_pass(log: str) -> bool:
    """A port taken in the meantime, or the last processes of a killed server on their way out."""
    return "could not bind" in log or "is still in use" in log


def _wait_until_ready(
    state: State, process: psutil.Process, *, fresh: bool, child: subprocess.Popen[bytes] | None = None
) -> psutil.Process:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if child is not None and child.poll() is not None:
            raise _start_error(state)
        lines = _pid_file(state)
        if len(lines) >= 8 and int(lines[0]) == process.pid and lines[7].startswith("ready"):
            return process
        if not fresh and not process.is_running():
            raise _start_error(state)
        time.sleep(0.01)
    raise ServerHungError(
        server="PostgreSQL", pid=process.pid, seconds=_START_SECONDS, log=state.log("postgres")
    )


def _ensure_role(state: State) -> None:
    """Role `pack2` owns the databases: it may create some, watch everything, and is no superuser."""
    password = sql.Literal(state.secret("postgres_pack2"))
    try:
        connection = psycopg.connect(
            _address(state, "postgres", state.secret("postgres_superuser"), "template1"),
            autocommit=True,
            connect_timeout=10,
        )
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            reason = f"was made with other passwords than those in {state.secrets}"
            raise DataDirectoryError(path=state.postgres, reason=reason) from None
        raise ServerStartError(
            server="PostgreSQL", reason=_first_line(error), log=state.log("postgres")
        ) from None
    with connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'pack2'").fetchone() is None:
            connection.execute(sql.SQL("CREATE ROLE pack2 LOGIN CREATEDB PASSWORD {}").format(password))
        connection.execute("GRANT pg_monitor, pg_checkpoint TO pack2")
        for extension in ("pg_stat_statements", "pg_trgm"):
            connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
        connection.execute("GRANT EXECUTE ON FUNCTION pg_stat_statements_reset TO pack2")
    with psycopg.connect(
        _address(state, "postgres", state.secret("postgres_superuser"), "postgres"), autocommit=True
    ) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        connection.execute("GRANT EXECUTE ON FUNCTION pg_stat_statements_reset TO pack2")


def _address(state: State, user: str, password: str, database: str) -> str:
    return f"postgresql://{user}:{quote(password)}@127.0.0.1:{_pid_file(state)[3]}/{database}"


def _pid_file(state: State) -> list[str]:
    """The lines of postmaster.pid: pid, data directory, start time, port, sockets, address, memory, status."""
    with contextlib.suppress(OSError):
        lines = (state.postgres / "postmaster.pid").read_text().splitlines()
        if lines and lines[0].strip().isdigit():
            return [line.strip() for line in lines]
    return []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _log_size(state: State) -> int:
    return os.path.getsize(state.log("postgres")) if state.log("postgres").exists() else 0


def _log_since(state: State, mark: int) -> str:
    with state.log("postgres").open("rb") as file:
        file.seek(mark)
        return file.read().decode(errors="replace")


def _start_error(state: State) -> ServerStartError:
    lines = re.findall(r"(?:FATAL|PANIC|initdb: error|error):\s*(.*)", _log_since(state, 0)[-4000:])
    reason = lines[-1] if lines else "it ended at once"
    return ServerStartError(server="PostgreSQL", reason=reason, log=state.log("postgres"))


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
