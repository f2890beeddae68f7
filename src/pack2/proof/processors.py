"""Who runs on which core, and how much of those cores went to strangers.

Rule: servers (application, PostgreSQL, Redis) on the first core that we may use, generator and browser on
the last.
With one core, or where the system has no affinity (macOS), nothing is isolated, and the environment says so.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Split:
    """Cores of the servers and of the generator; empty: not pinned."""

    servers: frozenset[int]
    generator: frozenset[int]

    @property
    def isolated(self) -> bool:
        return bool(self.servers) and not self.servers & self.generator

    @property
    def server_workers(self) -> int:
        return max(1, len(self.servers))


def usable_cores() -> list[int]:
    """The cores that this process may use, [] where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def split(cores: list[int]) -> Split:
    """The rule of this module's docstring."""
    if len(cores) < 2:
        return Split(frozenset(), frozenset())
    return Split(frozenset(cores[:1]), frozenset(cores[-1:]))


@contextmanager
def bound(cores: frozenset[int]) -> Iterator[None]:
    """This process, and every child it starts, on `cores` for a while."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Watch:
    """CPU that processes other than ours took on the watched cores between `start` and `others_ratio`."""

    def __init__(self, cores: Iterable[int], roots: Iterable[int]) -> None:
        self._cores = sorted(cores)
        self._roots = [os.getpid(), *roots]
        self.start()

    def start(self) -> None:
        self._at = time.monotonic()
        self._busy = busy_seconds(self._cores)
        self._ours = sum(map(tree_seconds, self._roots))

    def others_ratio(self) -> float:
        """Others' CPU seconds a second since `start`: 1.0 is one whole core."""
        elapsed = time.monotonic() - self._at
        busy = busy_seconds(self._cores) - self._busy
        ours = sum(map(tree_seconds, self._roots)) - self._ours
        return max(0.0, (busy - ours) / elapsed)


def busy_seconds(cores: list[int]) -> float:
    """Seconds that the cores (all, if [] is given) worked for processes or were stolen by the hypervisor."""
    every = psutil.cpu_times(percpu=True)
    chosen = [every[core] for core in cores if core < len(every)] or every
    return float(sum(one.user + one.nice + one.system + getattr(one, "steal", 0.0) for one in chosen))


def tree_seconds(pid: int) -> float:
    """CPU seconds of a process, its living descendants and those that they have waited for."""
    total = 0.0
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system
                total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total
