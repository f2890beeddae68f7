"""A list is asked to its end, whatever one of its lines says."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from pack2.deploy.checklist import LISTS, Checklist, Line, check, checklist
from pack2.deploy.checklist.model import Deployed, Question
from pack2.deploy.model import Outcome, done
from pack2.errors import ConfigurationError


def test_the_lists_are_the_guides() -> None:
    """Six lines in the first two hours, five in a day, five in a week; short names."""
    assert {span: len(lines) for span, lines in LISTS.items()} == {"immediate": 6, "short": 5, "long": 5}
    assert all(len(line.name) < 26 for lines in LISTS.values() for line in lines)


def raising(error: Exception) -> Any:
    def ask(_: Deployed) -> Outcome:
        raise error

    return ask


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            redis.ConnectionError("connection refused"),
            "refused. Mend that, then run `pack2 checklist",
        ),
        (ConfigurationError(path="pack2.toml", reason="it is wrong"), "Correct the file"),
    ],
)
def test_a_line_that_fails_stops_nothing(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one is asked, and each is heard of when it is known."""
    lines = (Question("Redis answers", raising(error)), Question("indexes", lambda _: done("3")))
    monkeypatch.setattr(checklist, "LISTS", {"immediate": lines})
    heard: list[str] = []
    found = check(None, "immediate", on_line=lambda name, outcome: heard.append(f"{name} {outcome.state}"))  # type: ignore[arg-type]
    assert heard == ["Redis answers failed", "indexes done"]
    assert said in found.lines[0].text
    assert found.exit_code == 1


def test_what_is_skipped_alone_fails_nothing() -> None:
    """Exit code 0, and the count says it."""
    found = Checklist("short", (Line("errors", "done", "0"), Line("queries", "skipped", "never stored")))
    assert found.exit_code == 0
    assert found.count("skipped") == 1
