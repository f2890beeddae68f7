"""`pack2 schedule`: what runs by the clock."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from pack2 import schedule
from pack2.cli.database import Json
from pack2.config import load_config
from pack2.database.connection import connect
from pack2.schedule.records import Run
from pack2.schedule.scheduler import watch
from pack2.services import services

app = App(
    name="schedule",
    help="Maintenance, purge, baseline, regression test and your own tasks by the clock.\n\n"
    "Example: `pack2 schedule list`",
)
Config = Annotated[Path, Parameter(help="The application's configuration.")]
_CONFIG = Path("pack2.toml")


class Line(msgspec.Struct, frozen=True):
    """A task with its next time and its newest runs."""

    name: str
    cron: str
    command: tuple[str, ...]
    next_at: datetime
    runs: list[Run]


@app.command(name="list")
def list_tasks(*, config: Config = _CONFIG, json: Json = False) -> None:
    """Show the tasks, when each runs next, and how it went last.

    Example: `pack2 schedule list`

    Parameters
    ----------
    json
        Print JSON, with all runs that are kept and the end of their output.
    """
    found = load_config(config).schedule
    now = datetime.now(UTC)
    tasks = schedule.tasks(found)
    with services() as running, connect(running.postgres.url()) as connection:
        schedule.settle(running.postgres.url(), tasks, state=running.state.folder)
        lines = [
            Line(
                task.name,
                task.cron,
                task.command,
                task.next_after(now),
                schedule.runs(connection, task.name, found.keep_runs),
            )
            for task in tasks
        ]
    if json:
        print(msgspec.json.encode(lines).decode())
        return
    table = Table("task", "times (UTC)", "next", "command", "last run", width=100)
    for line in lines:
        table.add_row(
            line.name, line.cron, f"{line.next_at:%Y-%m-%d %H:%M}", " ".join(line.command), _last(line.runs)
        )
    Console(width=100).print(table)


@app.command
def worker(*, config: Config = _CONFIG) -> int:
    """Run the tasks at their times until Ctrl-C; several workers run each task once.

    Example: `pack2 schedule worker`
    """
    found = load_config(config).schedule
    tasks = schedule.tasks(found)
    if not tasks:
        print("no task has a time: nothing to do")
        return 0
    for task in tasks:
        task.argv()
    with services() as running:
        asyncio.run(
            watch(
                running.postgres.url(),
                tasks,
                state=running.state.folder,
                keep_runs=found.keep_runs,
                say=lambda line: print(line, flush=True),
            )
        )
    return 0


@app.command
def run(name: str, *, config: Config = _CONFIG) -> int:
    """Run one task now, as cron and systemd do; exit code is the task's, 75 where it runs already.

    Example: `pack2 schedule run purge`

    Parameters
    ----------
    name
        The task.
    """
    found = load_config(config).schedule
    task = schedule.task_named(found, name)
    with services() as running:
        url, folder = running.postgres.url(), running.state.folder
        keep = found.keep_runs
        outcome, code = asyncio.run(schedule.run_once(url, task, state=folder, keep_runs=keep, echo=_write))
        with connect(url) as connection:
            last = schedule.runs(connection, name)
    if outcome is None:
        print(f"{name} runs already")
    else:
        print(f"{name}: {outcome}, {last[0].seconds or 0:.1f} s")
    return code


@app.command
def export(
    *, format: Literal["cron", "systemd"] = "cron", config: Config = _CONFIG, out: Path | None = None
) -> None:
    """Print the schedule for cron or systemd, or write it as files.

    Example: `pack2 schedule export --format systemd --out ~/.config/systemd/user`

    Parameters
    ----------
    format
        A crontab, or a systemd service and timer for each task.
    out
        The folder to write to.
    """
    tasks, folder = schedule.tasks(load_config(config).schedule), Path.cwd()
    files = schedule.units(tasks, folder) if format == "systemd" else schedule.crontab(tasks, folder)
    for name, text in files.items():
        if out is None:
            print(f"# {name}\n{text}")
        else:
            out.mkdir(parents=True, exist_ok=True)
            (out / name).write_text(text, encoding="utf-8")
            print(out / name)


def _write(output: bytes) -> None:
    sys.stdout.buffer.write(output)
    sys.stdout.buffer.flush()


def _last(runs: list[Run]) -> str:
    if not runs:
        return "never"
    last = runs[0]
    code = "" if last.exit_code in (0, None) else f" (exit {last.exit_code})"
    seconds = f", {last.seconds:.1f} s" if last.seconds is not None else ""
    return f"{last.outcome}{code} {last.started_at:%Y-%m-%d %H:%M}{seconds}"
