"""docs/schedule.md is kept true: its tasks are the code's, its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pack2.cli import app
from pack2.config import Schedule
from pack2.schedule import Task, tasks

PAGE = (Path(__file__).parents[2] / "docs/schedule.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("task", tasks(Schedule()), ids=lambda task: task.name)
def test_each_task_is_on_the_page_with_its_command(task: Task) -> None:
    """With the hour and minute at which it runs."""
    (row,) = re.findall(rf"^\| `{task.name}` \|.*$", PAGE, flags=re.MULTILINE)
    minute, hour, *_ = task.cron.split()
    assert f"`{' '.join(task.command)}`" in row
    assert f"{int(hour):02}:{int(minute):02}" in row


def test_each_subcommand_is_on_the_page() -> None:
    """And none that is not there."""
    there = {name for name in app["schedule"] if not name.startswith("-")}
    assert set(re.findall(r"^pack2 schedule (\w+)", PAGE, flags=re.MULTILINE)) == there
