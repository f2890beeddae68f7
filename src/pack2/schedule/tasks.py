"""The tasks and their times: four of Pack 2's own, and what `[[schedule.task]]` adds. Times are UTC."""

from __future__ import annotations

import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from croniter import croniter
from croniter.croniter import CroniterError

from pack2.config import Schedule
from pack2.schedule.errors import DoubledTaskError, ProgramMissingError, TimesError, UnknownTaskError

FIELDS: Final = 5
_READABLE: Final = re.compile(r"(?:[0-9*,/ -]|[A-Za-z]{3})+")  # names of days and months, no R or L
_OWN: Final = {
    "maintain": (("pack2", "maintain"), 6 * 3600),
    "purge": (("pack2", "cache", "purge", "--expired"), 1800),
    "baseline": (("pack2", "loadtest", "baseline"), 2 * 3600),
    "regress": (("pack2", "regress", "check"), 2 * 3600),
}


class Task(msgspec.Struct, frozen=True):
    """A command line that runs at `cron`, for at most `timeout_seconds`."""

    name: str
    cron: str
    command: tuple[str, ...]
    timeout_seconds: float

    def next_after(self, moment: datetime) -> datetime:
        """The first time after `moment`."""
        return datetime.fromtimestamp(croniter(self.cron, moment.timestamp()).get_next(float), UTC)

    def argv(self) -> list[str]:
        """The command with its program's full path. Raises ProgramMissingError."""
        program, *rest = self.command
        beside = Path(sys.executable).parent / program
        found = str(beside) if beside.is_file() else shutil.which(program)
        if found is None:
            raise ProgramMissingError(program=program, task=self.name)
        return [found, *rest]


def tasks(schedule: Schedule) -> tuple[Task, ...]:
    """All tasks that have a time. Raises TimesError, DoubledTaskError."""
    found = [Task(name, _plain(getattr(schedule, name)), *_OWN[name]) for name in _OWN]
    found += [Task(own.name, _plain(own.cron), own.command, own.timeout_seconds) for own in schedule.task]
    names = [task.name for task in found]
    if doubled := [name for name in names if names.count(name) > 1]:
        raise DoubledTaskError(name=doubled[0])
    timed = tuple(task for task in found if task.cron)
    for task in timed:
        _check(task)
    return timed


def _plain(cron: str) -> str:
    """One line with one space between the fields."""
    return " ".join(cron.split())


def task_named(schedule: Schedule, name: str) -> Task:
    """The task `name`. Raises UnknownTaskError."""
    timed = tasks(schedule)
    for task in timed:
        if task.name == name:
            return task
    raise UnknownTaskError(name=name, known=", ".join(task.name for task in timed) or "none has a time")


def _check(task: Task) -> None:
    """The times can be read, and one of them comes: 31 February never does."""
    fields(task)
    try:
        task.next_after(datetime.now(UTC))
    except CroniterError:
        raise TimesError(times=task.cron, task=task.name) from None


def fields(task: Task) -> list[list[int | str]]:
    """Minutes, hours, days, months and weekdays (0: Sunday) as lists of numbers, `["*"]` for all of them.

    Raises TimesError; also for what only some crons understand, such as `L`, `R`, `@daily` or seconds.
    """
    if not _READABLE.fullmatch(task.cron):
        raise TimesError(times=task.cron, task=task.name)
    try:
        expanded, nth = croniter.expand(task.cron)
    except (ValueError, KeyError):
        raise TimesError(times=task.cron, task=task.name) from None
    if len(expanded) != FIELDS or nth:
        raise TimesError(times=task.cron, task=task.name)
    return [list(field) for field in expanded]
