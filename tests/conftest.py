"""Servers for the tests: real ones, started once a run in a temporary folder, never the environment's."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

from pack2.services import PostgresServer, Services, services, stop_services
from pack2.services.chromium import ChromiumMissingError, find_chromium
from pack2.services.errors import ServersInUseError

settings.register_profile("suite", max_examples=25, deadline=None, print_blob=True)
settings.register_profile("deep", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile("suite")

_numbers = itertools.count(1)


_ABANDONED_SECONDS = 2 * 3600


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """A terminated run stops its servers; what a killed run left behind is swept up by a later one. A shell
    starts background jobs with SIGINT ignored, which every child would inherit.
    """
    if config.getoption("hypothesis_seed") is None:
        config.option.hypothesis_seed = str(secrets.randbelow(2**32))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    for folder in Path(tempfile.gettempdir()).glob("p2-*/state"):
        with contextlib.suppress(ServersInUseError, OSError):
            if time.time() - folder.stat().st_mtime > _ABANDONED_SECONDS:
                stop_services(folder)
                shutil.rmtree(folder.parent, ignore_errors=True)


def pytest_collection_finish() -> None:
    """What was imported stays to the end: the garbage collector need not look through it again and again."""
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Every run has property tests of its own, which its seed repeats, in each worker."""
    terminalreporter.write_line(f"property tests ran with --hypothesis-seed={config.option.hypothesis_seed}")


@pytest.fixture(scope="session")
def initialised_state() -> Iterator[Path]:
    """A state folder whose servers have run once, for copying: initialising takes longer than many a test."""
    folder = Path(tempfile.mkdtemp(prefix="p2-"))
    folder.chmod(0o755)
    with services(folder / "state", database_url=None, redis_url=None, durable=False):
        pass
    yield folder / "state"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def empty_folder() -> Iterator[Path]:
    """A state folder that is not there yet; servers that the test leaves running in it are stopped."""
    folder = Path(tempfile.mkdtemp(prefix="p2-"))
    folder.chmod(0o755)
    yield folder / "state"
    left = [child for child in psutil.Process().children() if _names(child, folder)]
    for child in left:
        child.terminate()
    psutil.wait_procs(left, timeout=10)
    stop_services(folder / "state")
    shutil.rmtree(folder, ignore_errors=True)


def _names(process: psutil.Process, folder: Path) -> bool:
    try:
        return str(folder) in " ".join(process.cmdline())
    except psutil.Error:
        return False


@pytest.fixture
def server_folder(empty_folder: Path, initialised_state: Path) -> Path:
    """A state folder of the test's own, initialised before."""
    subprocess.run(["cp", "-Rp", initialised_state, empty_folder], check=True)
    return empty_folder


@pytest.fixture(scope="session")
def running_services() -> Iterator[Services]:
    """PostgreSQL and Valkey of this test run, in a folder that every user can enter."""
    folder = Path(tempfile.mkdtemp(prefix="p2-"))
    folder.chmod(0o755)
    try:
        with services(folder / "state", database_url=None, redis_url=None, durable=False) as found:
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(running_services: Services) -> PostgresServer:
    """A PostgreSQL server without crash safety."""
    return running_services.postgres


@pytest.fixture(scope="session")
def redis_url(running_services: Services) -> str:
    """URL of a Valkey that the whole run shares: use keys of your own."""
    return running_services.redis.url


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """URL of a fresh, empty database."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def sample_database(postgres: PostgresServer) -> str:
    """URL of a database with the sample data of size `tiny`, shared by the whole run: for reading only."""
    from adaf.sample import load

    url = postgres.create_database("sample")
    load(url, size="tiny")
    return url


@pytest.fixture
def sample_copy(postgres: PostgresServer, sample_database: str) -> Iterator[str]:
    """URL of a private, writable copy of the sample data."""
    name = f"copy_{os.getpid()}_{next(_numbers)}"
    template = postgres.url("sample")
    assert template == sample_database
    yield postgres.create_database(name, template="sample")
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The system's browser, for playwright's `executable_path`; pass `args=launch_arguments()` too."""
    try:
        return find_chromium()
    except ChromiumMissingError as error:
        pytest.skip(f"browser tests are left out: {error}")
