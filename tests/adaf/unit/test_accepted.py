"""The words for what is accepted come from the types themselves."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from adaf.accepted import told


class Bar(msgspec.Struct):
    close: Annotated[float, Meta(gt=0, description="A price.")]


class Body(msgspec.Struct):
    kind: Literal["pdf", "csv"] | None
    bars: Annotated[list[Bar], Meta(min_length=1, description="1 or more bars.")]
    note: str


@pytest.mark.parametrize(
    ("annotation", "path", "words"),
    [
        (Literal["1m", "5m"], "", "One of 1m, 5m."),
        (Literal["buy"] | None, "", "One of buy."),
        (Body, "kind", "One of pdf, csv."),
        (Body, "bars", "1 or more bars."),
        (Body, "bars[3].close", "A price."),
        (Body, "bars[...].close", "A price."),
        (Body, "note", ""),
        (Body, "nothing", ""),
        (int, "a.b.c", ""),
        (None, "", ""),
    ],
)
def test_types_tell_what_they_accept(annotation: Any, path: str, words: str) -> None:
    """A choice names its values, a described type its description; nothing is made up."""
    assert told(annotation, path) == words
