"""The tasks' times: what is accepted, when they come, and how cron and systemd are told the same."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pack2.config import Schedule, ScheduledTask
from pack2.schedule import Task, crontab, task_named, tasks, units
from pack2.schedule.calendar import on_calendar
from pack2.schedule.errors import DoubledTaskError, ProgramMissingError, TimesError, UnknownTaskError

DEFAULT = tasks(Schedule())
ODD = Path("/srv/100% of it/my $HOME")
CRONS = ("0 3 * * 0", "15 4 * * *", "0 2 1 * *", "*/20 1-3 * jan,JUL 1-5", "0 0 1,15 * 7", "59 23 29 2 *")
systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def named(cron: str, name: str = "own") -> Schedule:
    return Schedule(task=(ScheduledTask(name, cron, ("true",)),))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("maintain", ["2026-03-01 03:00", "2026-03-08 03:00"]),
        ("purge", ["2026-02-28 04:15", "2026-03-01 04:15"]),
        ("baseline", ["2026-03-01 02:00", "2026-04-01 02:00"]),
        ("regress", ["2026-02-28 01:30", "2026-03-01 01:30"]),
    ],
)
def test_the_guides_tasks_come_at_their_times(name: str, times: list[str]) -> None:
    """Maintenance weekly, purge daily, baseline monthly, regression test nightly."""
    task, moment = task_named(Schedule(), name), at("2026-02-27 12:00")
    for expected in times:
        moment = task.next_after(moment)
        assert moment == at(expected)


def test_a_day_of_the_month_and_a_weekday_mean_either() -> None:
    """As in every crontab: the 13th, and each Friday."""
    task = task_named(named("0 0 13 * 5"), "own")
    assert [task.next_after(at(day)).day for day in ("2026-01-03", "2026-01-09", "2026-01-13")] == [9, 13, 16]


def test_without_times_a_task_is_left_out() -> None:
    """Nothing else changes, and asking for it names those that are there."""
    left = Schedule(baseline="", regress="")
    assert [task.name for task in tasks(left)] == ["maintain", "purge"]
    with pytest.raises(UnknownTaskError, match="maintain, purge"):
        task_named(left, "baseline")


@pytest.mark.parametrize(
    "cron",
    [
        "61 * * * *",
        "* * * *",
        "* * * * * *",
        "@daily",
        "R * * * *",
        "0 0 L * *",
        "0 0 * * 1#2",
        "0 0 31 2 *",
        "x",
        "% * * * *",
    ],
)
def test_what_is_no_time_is_refused_with_its_task(cron: str) -> None:
    """Also what one cron reads and another does not, and a day that never comes."""
    with pytest.raises(TimesError, match=r"of the task own .* `15 4 \* \* \* \*`|of the task own"):
        tasks(named(cron))


def test_lines_can_not_be_smuggled_into_a_crontab() -> None:
    """A line break between two fields is a space."""
    (task,) = [task for task in tasks(named("0\n0\t* *  *")) if task.name == "own"]
    assert task.cron == "0 0 * * *"


def test_two_tasks_of_one_name_are_refused() -> None:
    """Their records and locks would be one."""
    with pytest.raises(DoubledTaskError, match="purge"):
        tasks(named("0 0 * * *", "purge"))


def test_a_program_that_is_not_there_is_told_with_its_task() -> None:
    """Before the clock is watched, not at night."""
    with pytest.raises(ProgramMissingError, match="no-such-program of the task own"):
        Task("own", "0 0 * * *", ("no-such-program",), 1).argv()


def test_a_crontab_says_its_time_zone_and_escapes_percent_signs() -> None:
    """Cron takes a bare % for a line break."""
    lines = crontab(DEFAULT, ODD)["pack2.crontab"].splitlines()
    assert lines[1] == "CRON_TZ=UTC"
    assert [line.split(" cd ")[0] for line in lines[2:]] == [task.cron for task in DEFAULT]
    assert all(
        line.endswith(f"schedule run {task.name} >/dev/null")
        for line, task in zip(lines[2:], DEFAULT, strict=True)
    )
    assert all(r"'/srv/100\% of it/my $HOME'" in line for line in lines[2:])


@pytest.mark.parametrize(
    ("cron", "calendar"),
    [
        ("0 3 * * 0", ["Sun *-*-* 03:00:00 UTC"]),
        ("*/30 * * * *", ["*-*-* *:00,30:00 UTC"]),
        ("0 2 1 1,7 *", ["*-01,07-01 02:00:00 UTC"]),
        ("0 0 13 * 5", ["*-*-13 00:00:00 UTC", "Fri *-*-* 00:00:00 UTC"]),
    ],
)
def test_systemd_is_told_the_same_times(cron: str, calendar: list[str]) -> None:
    """Where a crontab means either of two days, there are two lines."""
    assert on_calendar(task_named(named(cron), "own")) == calendar


@systemd
@pytest.mark.parametrize("cron", CRONS)
def test_systemd_and_cron_come_at_the_same_times(cron: str) -> None:
    """systemd's own reading of our lines gives the next five times that the scheduler has."""
    task, moment = task_named(named(cron), "own"), at("2026-01-30 12:00")
    found: set[datetime] = set()
    for line in on_calendar(task):
        command = [
            "systemd-analyze",
            "calendar",
            "--iterations=5",
            f"--base-time={moment:%Y-%m-%d %H:%M:%S} UTC",
            line,
        ]
        shown = subprocess.run(
            command, capture_output=True, text=True, check=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"}
        )
        for text in shown.stdout.splitlines():
            if "Next elapse" in text or "Iter. #" in text:
                found.add(at(text.split(": ", 1)[1].split(" ", 1)[1].removesuffix(" UTC")))
    expected = []
    for _ in range(5):
        moment = task.next_after(moment)
        expected.append(moment)
    assert sorted(found)[:5] == expected


@systemd
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """`systemd-analyze verify` says nothing about them, in a folder with an odd name too."""
    folder = tmp_path / "100% of it"
    folder.mkdir()
    for name, text in units(DEFAULT, folder).items():
        (tmp_path / name).write_text(text)
    files = sorted(map(str, tmp_path.glob("pack2-*")))
    assert len(files) == 8
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True
    )
    assert (checked.returncode, [line for line in checked.stderr.splitlines() if "pack2-" in line]) == (0, [])


def test_units_hold_what_systemd_needs() -> None:
    """A timer that catches up after a night without power; a service with its folder and its time limit."""
    found = units(DEFAULT, ODD)
    assert sorted(found) == sorted(
        f"pack2-{task.name}.{kind}" for task in DEFAULT for kind in ("service", "timer")
    )
    assert "Persistent=true" in found["pack2-purge.timer"]
    assert "OnCalendar=*-*-* 04:15:00 UTC" in found["pack2-purge.timer"]
    service = found["pack2-purge.service"]
    assert "WorkingDirectory=/srv/100%% of it/my $HOME" in service
    assert "TimeoutStartSec=1860" in service
    assert timedelta(seconds=1860) > timedelta(seconds=task_named(Schedule(), "purge").timeout_seconds)
