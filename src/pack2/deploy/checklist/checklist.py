"""Goes through one list, line by line. A line is done only where it was measured.

A line that fails stops nothing: the next ones are asked too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from pack2.deploy.checklist.immediate import IMMEDIATE
from pack2.deploy.checklist.long import LONG
from pack2.deploy.checklist.model import Deployed, Question
from pack2.deploy.checklist.short import SHORT
from pack2.deploy.model import Outcome
from pack2.deploy.steps import attempt

Span = Literal["immediate", "short", "long"]
LISTS: Final[Mapping[Span, tuple[Question, ...]]] = {"immediate": IMMEDIATE, "short": SHORT, "long": LONG}


class Line(msgspec.Struct, frozen=True):
    """One line of the guide's list. `state`: done, failed or skipped; `text`: what was measured, or to do."""

    name: str
    state: str
    text: str


class Checklist(msgspec.Struct, frozen=True):
    """One list, asked."""

    span: str
    lines: tuple[Line, ...]

    def count(self, state: str) -> int:
        return sum(line.state == state for line in self.lines)

    @property
    def exit_code(self) -> int:
        """1 where a line failed; what was skipped fails nothing."""
        return 1 if self.count("failed") else 0


def check(
    deployed: Deployed, span: Span, *, on_line: Callable[[str, Outcome], None] = lambda _name, _outcome: None
) -> Checklist:
    """Ask every line of the list; `on_line(name, outcome)` hears of each when it is known."""
    lines = []
    for question in LISTS[span]:
        outcome = attempt(question.ask, deployed, f"checklist {span}")
        on_line(question.name, outcome)
        lines.append(Line(question.name, outcome.state, outcome.text))
    return Checklist(span, tuple(lines))
