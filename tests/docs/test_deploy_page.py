"""docs/deploy.md is kept true: its steps are the code's, in their order."""

from __future__ import annotations

import re
from pathlib import Path

from pack2.deploy.checklist import LISTS
from pack2.deploy.steps import STEPS

PAGE = (Path(__file__).parents[2] / "docs/deploy.md").read_text(encoding="utf-8")


def test_the_steps_are_on_the_page_in_their_order() -> None:
    """Numbered as `pack2 deploy` prints them."""
    listed = re.findall(r"^\| (\d) ([a-z ]+) \|", PAGE, flags=re.MULTILINE)
    assert listed == [(str(number), step.name) for number, step in enumerate(STEPS, 1)]


def test_every_line_of_the_checklists_is_on_the_page() -> None:
    """In their order, below the list that they belong to."""
    listed = re.findall(r"^\| (immediate|short|long|) ?\| ([A-Za-z0-9 '%]+) \|", PAGE, flags=re.MULTILINE)
    assert [line for _, line in listed] == [line.name for lines in LISTS.values() for line in lines]
    starts = {span: lines[0].name for span, lines in LISTS.items()}
    assert {span: line for span, line in listed if span} == starts
