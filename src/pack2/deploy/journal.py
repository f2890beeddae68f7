"""The journal of deployments: which step a run was in when it was stopped, and what every step said.

Written before and after each step, replaced in one move: a kill at any moment leaves a readable journal.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from pack2.deploy.errors import DeploymentFolderError, DeploymentRunningError

_KEPT = 20


class StepRecord(msgspec.Struct, frozen=True):
    name: str
    state: str
    text: str
    seconds: float


class RunRecord(msgspec.Struct):
    """One run; without `ended_at` it was stopped during `current`."""

    started_at: datetime
    command: str = "deploy"
    current: str = ""
    ended_at: datetime | None = None
    steps: list[StepRecord] = []


class Journal:
    """The runs in one file, the last one last. Raises DeploymentFolderError where it can not be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._runs = _read(path)

    @property
    def stopped_during(self) -> str:
        """The step that the last run was in when it was killed; "" where it came to its end."""
        if not self._runs or self._runs[-1].ended_at is not None or self._runs[-1].command != "deploy":
            return ""
        return self._runs[-1].current

    def begin(self, command: str = "deploy") -> None:
        started = RunRecord(started_at=datetime.now(UTC), command=command)
        self._runs = [*self._runs[-_KEPT + 1 :], started]
        self._write()

    def enter(self, step: str) -> None:
        self._runs[-1].current = step
        self._write()

    def record(self, step: StepRecord) -> None:
        self._runs[-1].steps.append(step)
        self._write()

    def end(self) -> None:
        self._runs[-1].current = ""
        self._runs[-1].ended_at = datetime.now(UTC)
        self._write()

    def _write(self) -> None:
        partial = self._path.with_name(f"{self._path.name}.partial")
        try:
            with partial.open("wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(self._runs), indent=2))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._path)
        except OSError as error:
            raise DeploymentFolderError(path=self._path.parent, reason=error.strerror) from None


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One deployment or rollback at a time; the kernel drops the lock of a process that is killed.

    Raises DeploymentRunningError, DeploymentFolderError.
    """
    path = folder / "deploy.lock"
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DeploymentFolderError(path=folder, reason=error.strerror) from None
    try:
        _lock(file, path)
        yield
    finally:
        os.close(file)


def _lock(file: int, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DeploymentRunningError(path=path) from None


def _read(path: Path) -> list[RunRecord]:
    """An unreadable journal is no reason to refuse a deployment: every step looks for itself."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[RunRecord])
    except (OSError, msgspec.DecodeError):
        return []
