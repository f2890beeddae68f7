"""The change feed's messages and tags."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pack2.cache.feed import PAYLOAD_BYTES, TagError, check_tag, payloads

tags = st.text(
    st.characters(exclude_characters="\n", exclude_categories=("Cs",)), min_size=1, max_size=50
).filter(lambda tag: tag != "*" and not tag.startswith("delete:"))


@given(st.lists(tags, max_size=400))
def test_messages_carry_each_tag_once_and_fit(names: list[str]) -> None:
    """PostgreSQL takes payloads below 8,000 bytes: more tags are more messages, none is lost or doubled."""
    messages = list(payloads(names))
    assert all(len(message.encode()) <= PAYLOAD_BYTES for message in messages)
    assert [line for message in messages for line in message.split("\n")] == list(dict.fromkeys(names))


@given(tags)
def test_ordinary_names_are_tags(name: str) -> None:
    """Any text without a line break that PostgreSQL can carry."""
    assert check_tag(name) == name


@pytest.mark.parametrize("name", ["", "a\nb", "*", "delete:x", "x" * 201])
def test_names_that_would_be_misread_are_refused(name: str) -> None:
    """A tag that means something else on the wire is told, not sent."""
    with pytest.raises(TagError, match="is not one"):
        check_tag(name)
