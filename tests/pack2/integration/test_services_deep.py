"""Faults of the machine: kills at any moment of the start, a full disk."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from pack2.services import services, stop_services
from pack2.services.errors import DiskFullError

pytestmark = pytest.mark.deep


def survivors(folder: Path) -> list[str]:
    """Command lines of living processes that name `folder`."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(folder) in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(line)
    return found


@pytest.mark.parametrize("seed", range(8))
def test_a_start_may_be_killed_at_any_moment(empty_folder: Path, seed: int) -> None:
    """After several kills during initialisation and start, the next start works and the stop is clean."""
    moments = random.Random(seed)
    program = [sys.executable, "-m", "pack2.services", "--state", str(empty_folder)]
    for _ in range(3):
        process = subprocess.Popen(program, stdout=subprocess.DEVNULL, cwd=empty_folder.parent)
        try:
            process.wait(moments.uniform(0.3, 5.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.wait()
    with (
        services(empty_folder, database_url=None, redis_url=None) as found,
        psycopg.connect(found.postgres.url("postgres")) as connection,
    ):
        assert connection.execute("SELECT current_user").fetchone() == ("pack2",)
    assert survivors(empty_folder) == []


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 60 MB."""
    folder = Path(tempfile.mkdtemp(prefix="p2-disk-"))
    folder.chmod(0o755)
    command = ["mount", "-t", "tmpfs", "-o", "size=60m,mode=755", "tmpfs", folder]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        folder.rmdir()
        pytest.skip("a small file system takes root and the right to mount one")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)
    folder.rmdir()


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(small_disk: Path) -> None:
    """One line with the folder, its free space, and the way out."""
    with (
        pytest.raises(DiskFullError, match=rf"{small_disk}/state \(\d+ MB free\). Free some space"),
        services(small_disk / "state", database_url=None, redis_url=None),
    ):
        pass


def test_a_disk_that_fills_up_is_told_and_recovers(small_disk: Path, initialised_state: Path) -> None:
    """A start on a full disk names it; with space again, the same data works."""
    state = small_disk / "state"
    copied = subprocess.run(["cp", "-Rp", initialised_state, state], capture_output=True)
    if copied.returncode != 0:
        pytest.skip("an initialised data directory does not fit")
    filler = small_disk / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                file.write(bytes(2**16))
                file.flush()
        except OSError:
            pass
    with (
        pytest.raises(DiskFullError, match="Free some space"),
        services(state, database_url=None, redis_url=None),
    ):
        pass
    filler.unlink()
    with services(state, database_url=None, redis_url=None) as found:
        assert found.postgres.exists("postgres")
    stop_services(state)
    shutil.rmtree(state)
