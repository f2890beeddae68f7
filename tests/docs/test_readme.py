"""The README is kept true: its example runs and is shown as it is, its table is the committed proof."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
from tests.pack2.asgi_client import ask, lifespan

from pack2.proof.model import read_proof
from pack2.proof.readme import updated

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_code_shown_is_the_examples() -> None:
    """What the README shows stands so in the file that the next test runs."""
    (shown,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert shown in (ROOT / "examples/notes.py").read_text(encoding="utf-8")


async def test_the_example_hits_the_second_time(
    database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example application answers from the cache when it is asked again."""
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("REDIS_URL", redis_url)
    spec = importlib.util.spec_from_file_location("notes_example", ROOT / "examples/notes.py")
    assert spec is not None
    assert spec.loader is not None
    example: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    async with lifespan(example.app):
        first, second = await ask(example.app, "/notes"), await ask(example.app, "/notes")
    assert (first.status, first.is_hit) == (200, False)
    assert second.is_hit
    assert second.body == first.body


def test_the_table_is_the_committed_proofs() -> None:
    """No figure is typed by hand: the table is what `pack2 prove --table` makes of docs/proof/proof.json."""
    proof = read_proof(ROOT / "docs/proof/proof.json")
    assert updated(README, proof, ROOT / "README.md") == README


def test_every_link_leads_somewhere() -> None:
    """A relative link names a file that is there."""
    links = re.findall(r"\]\(((?!http)[^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []
