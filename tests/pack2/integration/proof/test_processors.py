"""CPU that strangers take is seen; our own is not counted as theirs."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from pack2.proof.processors import Watch, bound, busy_seconds, tree_seconds, usable_cores

BURN = "import time\nend = time.process_time() + {seconds}\nwhile time.process_time() < end: pass\n"


def burn(seconds: float) -> list[str]:
    return [sys.executable, "-c", BURN.format(seconds=seconds)]


def test_a_childs_work_is_ours() -> None:
    """CPU seconds of a child count for its parent's tree, also after it has ended."""
    before = tree_seconds(os.getpid())
    subprocess.run(burn(0.5), check=True)
    assert tree_seconds(os.getpid()) - before >= 0.5


@pytest.mark.alone
def test_a_strangers_work_is_seen() -> None:
    """A process that is no descendant of ours and burns a core makes the slice contested."""
    watch = Watch([], [])
    shell = [
        "/bin/sh",
        "-c",
        '"$0" -c "$1" >/dev/null 2>&1 & echo $!',
        sys.executable,
        BURN.format(seconds=1.0),
    ]
    pid = int(subprocess.run(shell, capture_output=True, text=True, check=True).stdout)
    stranger = psutil.Process(pid)
    assert pid not in {child.pid for child in psutil.Process().children(recursive=True)}
    watch.start()
    psutil.wait_procs([stranger], timeout=30)
    assert watch.others_ratio() > 0.15


def test_busy_time_only_grows() -> None:
    """The sum over the chosen cores is at most the sum over all."""
    assert 0 < busy_seconds([0]) <= busy_seconds([])


@pytest.mark.skipif(len(usable_cores()) < 2, reason="needs two cores and processor affinity")
def test_a_process_is_bound_for_a_while() -> None:
    """Children inherit the core; afterwards all is as before."""
    cores = usable_cores()
    ask = [sys.executable, "-c", "import os; print(sorted(os.sched_getaffinity(0)))"]
    with bound(frozenset(cores[-1:])):
        inside = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
    assert inside.strip() == str(cores[-1:])
    assert usable_cores() == cores
