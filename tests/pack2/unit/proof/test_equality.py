"""What counts as the same answer."""

from __future__ import annotations

import pytest

from pack2.proof.client import Answer
from pack2.proof.equality import credentials, differences, normal

BODY = b'{"a": 1.0, "b": [1, 2]}'


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        (b'{"a": 1}', b'{ "a" : 1 }', True),
        (b'{"a": 1, "b": 2}', b'{"b": 2, "a": 1}', True),
        (b'{"a": 0.1234567890123}', b'{"a": 0.1234567890124}', True),
        (b'{"a": 0.12345}', b'{"a": 0.12346}', False),
        (b'{"a": [1, 2]}', b'{"a": [2, 1]}', False),
        (b'{"a": 1}', b'{"a": "1"}', False),
        (b'<p nonce="abc">1</p>', b'<p nonce="xyz">1</p>', True),
        (b"<p>1</p>", b"<p>2</p>", False),
        (b"", b"{}", False),
    ],
)
def test_bodies_are_compared_by_meaning(first: bytes, second: bytes, equal: bool) -> None:
    """White space, key order, nonces and the tenth digit of a sum do not matter; all else does."""
    assert (normal(first) == normal(second)) is equal


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((Answer(200, BODY), Answer(200, BODY), Answer(200, BODY)), []),
        ((Answer(404, b""), Answer(404, b""), Answer(404, b"")), ["GET /a answered 404 untuned"]),
        (
            (Answer(200, BODY), Answer(500, b""), Answer(200, BODY)),
            ["GET /a answered 500 tuned, 200 untuned"],
        ),
        (
            (Answer(200, BODY), Answer(200, BODY), Answer(200, b"{}")),
            ["GET /a has another body tuned, asked again"],
        ),
    ],
)
def test_a_difference_is_one_sentence(answers: tuple[Answer, ...], expected: list[str]) -> None:
    """A stored answer is compared like a fresh one, and an error in both is no agreement."""
    assert differences("GET /a", answers) == expected


def test_pages_are_asked_by_cookie_and_the_api_by_token() -> None:
    """As a browser and as a client do."""
    assert credentials("page", "t", "session") == {"Cookie": "session=t"}
    assert credentials("api", "t", "session") == {"Authorization": "Bearer t"}
    assert credentials("page", "t", "") == {"Authorization": "Bearer t"}
