"""docs/deploy.md is kept true: its steps are the code's, in their order."""

from __future__ import annotations

import re
from pathlib import Path

from pack2.deploy.steps import STEPS

PAGE = (Path(__file__).parents[2] / "docs/deploy.md").read_text(encoding="utf-8")


def test_the_steps_are_on_the_page_in_their_order() -> None:
    """Numbered as `pack2 deploy` prints them."""
    listed = re.findall(r"^\| (\d) ([a-z ]+) \|", PAGE, flags=re.MULTILINE)
    assert listed == [(str(number), step.name) for number, step in enumerate(STEPS, 1)]
