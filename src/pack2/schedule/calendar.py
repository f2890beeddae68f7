"""The same schedule as crontab lines and as systemd units, for who has a scheduler already.

Both call `pack2 schedule run TASK`, which holds the task's lock, keeps its output and ends it in time.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Final

from pack2.schedule.tasks import Task, fields

_WEEKDAYS: Final = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")


def crontab(tasks: tuple[Task, ...], folder: Path) -> dict[str, str]:
    """A crontab by its file's name, for commands that run in `folder`."""
    lines = ["# Times are UTC. Where this cron does not know CRON_TZ, set the machine to UTC.", "CRON_TZ=UTC"]
    for task in tasks:
        command = f"cd {shlex.quote(str(folder))} && {shlex.join(_run(task))} >/dev/null"
        lines.append(f"{task.cron} {command.replace('%', chr(92) + '%')}")
    return {"pack2.crontab": "\n".join(lines) + "\n"}


def units(tasks: tuple[Task, ...], folder: Path) -> dict[str, str]:
    """Unit files by name: a oneshot service and a timer for each task."""
    found = {}
    for task in tasks:
        found[f"pack2-{task.name}.service"] = _service(task, folder)
        found[f"pack2-{task.name}.timer"] = _timer(task)
    return found


def on_calendar(task: Task) -> list[str]:
    """The task's times as systemd writes them.

    Where a crontab restricts both the day of the month and the weekday, either will do: two lines.
    """
    minutes, hours, days, months, weekdays = fields(task)
    clock = f"{_numbers(hours)}:{_numbers(minutes)}:00 UTC"
    names = "" if weekdays == ["*"] else ",".join(_WEEKDAYS[int(day) % 7] for day in weekdays) + " "
    if names and days != ["*"]:
        return [f"*-{_numbers(months)}-{_numbers(days)} {clock}", f"{names}*-{_numbers(months)}-* {clock}"]
    return [f"{names}*-{_numbers(months)}-{_numbers(days)} {clock}"]


def _numbers(values: list[int | str]) -> str:
    return ",".join(value if isinstance(value, str) else f"{value:02}" for value in values)


def _service(task: Task, folder: Path) -> str:
    command = " ".join(_quoted(word) for word in _run(task))
    return (
        f"[Unit]\nDescription=Pack 2: {task.name}\n\n"
        f"[Service]\nType=oneshot\nWorkingDirectory={_path(folder)}\nExecStart={command}\n"
        f"EnvironmentFile=-{_path(folder)}/pack2.env\nTimeoutStartSec={task.timeout_seconds + 60:.0f}\n"
    )


def _timer(task: Task) -> str:
    times = "".join(f"OnCalendar={line}\n" for line in on_calendar(task))
    return (
        f"[Unit]\nDescription=Pack 2: when to {task.name}\n\n"
        f"[Timer]\n{times}Persistent=true\nAccuracySec=1s\n\n[Install]\nWantedBy=timers.target\n"
    )


def _run(task: Task) -> list[str]:
    return [str(Path(sys.executable).parent / "pack2"), "schedule", "run", task.name]


def _quoted(word: str) -> str:
    """A word of ExecStart: `%` and `$` are taken as they stand."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if set(escaped) & set(" \"'\\;") else escaped


def _path(folder: Path) -> str:
    return str(folder).replace("%", "%%")
