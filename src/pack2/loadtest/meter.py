"""What the servers use while they are loaded: CPU seconds and memory, read once a second."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psutil

from pack2.proof.processors import tree_seconds

_EVERY_SECONDS = 1.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Sample:
    """Unix time in ms, CPU seconds that all servers have used, and the application's resident memory."""

    at_ms: float
    cpu_seconds: float
    memory_bytes: int


@dataclass
class Meter:
    """`servers`: name → process; the first one is the application. Without any it measures nothing."""

    servers: Mapping[str, int]
    samples: list[Sample] = field(default_factory=list)

    def start(self) -> None:
        self.samples = []
        self.take()

    def take(self) -> None:
        """One more sample; the first and the last one bound what was used."""
        if self.servers:
            used = sum(map(tree_seconds, self.servers.values()))
            application = next(iter(self.servers.values()))
            self.samples.append(Sample(1000 * time.time(), used, resident_bytes(application)))

    def tick(self) -> None:
        """A sample where the last one is a second old."""
        if self.samples and 1000 * time.time() - self.samples[-1].at_ms >= 1000 * _EVERY_SECONDS:
            self.take()

    @property
    def cpu_seconds(self) -> float | None:
        if len(self.samples) < 2:
            return None
        return self.samples[-1].cpu_seconds - self.samples[0].cpu_seconds

    @property
    def memory_bytes(self) -> int | None:
        """The most that was seen."""
        return max((sample.memory_bytes for sample in self.samples), default=None)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and its descendants; pages that they share count in each."""
    total = 0
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with suppress(psutil.Error):
                total += process.memory_info().rss
    return total


def listener(url: str) -> int | None:
    """The process of this machine that answers at `url`, the first of its family; None where it is elsewhere,
    another user's, or part of this test itself.
    """
    parts = urlsplit(url)
    if parts.hostname not in _LOOPBACK:
        return None
    found: list[psutil.Process] = []
    with suppress(psutil.Error):
        for one in psutil.net_connections(kind="tcp"):
            is_meant = one.status == psutil.CONN_LISTEN and one.laddr.port == (parts.port or 80)
            if is_meant and one.pid is not None:
                found.append(psutil.Process(one.pid))
        ours = {psutil.Process().pid, *(parent.pid for parent in psutil.Process().parents())}
        heads = [one.pid for one in found if not any(parent in found for parent in one.parents())]
        return next((pid for pid in heads if pid not in ours), None)
    return None
