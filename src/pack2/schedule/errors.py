"""What can be wrong with a schedule."""

from __future__ import annotations

from pack2.errors import Pack2Error


class TimesError(Pack2Error):
    """`{times}` of the task {task} is no time, or one that never comes: write five fields as in a crontab,
    such as `15 4 * * *` (UTC), or nothing at all to leave the task out.
    """


class UnknownTaskError(Pack2Error):
    """There is no task {name}. `pack2 schedule list` shows them: {known}."""


class DoubledTaskError(Pack2Error):
    """Two tasks are called {name}. Give each `[[schedule.task]]` of pack2.toml a name of its own."""


class ProgramMissingError(Pack2Error):
    """The program {program} of the task {task} is not there. Install it, or correct the command in
    pack2.toml.
    """
