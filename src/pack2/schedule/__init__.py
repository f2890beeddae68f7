"""What runs by the clock: Pack 2's own commands and the application's, at most once however many watch it."""

from pack2.schedule.calendar import crontab, units
from pack2.schedule.records import Run, runs
from pack2.schedule.run import run_once, settle
from pack2.schedule.tasks import Task, task_named, tasks

__all__ = ["Run", "Task", "crontab", "run_once", "runs", "settle", "task_named", "tasks", "units"]
