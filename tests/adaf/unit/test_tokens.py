"""Finding the session token in a request."""

from __future__ import annotations

import pytest

from adaf.auth.sessions import token_of


def scope(*headers: tuple[bytes, bytes]) -> dict[str, object]:
    return {"headers": list(headers)}


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ([], None),
        ([(b"authorization", b"Bearer abc")], "abc"),
        ([(b"authorization", b"bearer  abc ")], "abc"),
        ([(b"authorization", b"Basic abc")], None),
        ([(b"authorization", b"Bearer")], None),
        ([(b"authorization", b"Bearer ")], None),
        ([(b"cookie", b"adaf_session=abc")], "abc"),
        ([(b"cookie", b"theme=dark; adaf_session=abc; x=1")], "abc"),
        ([(b"cookie", b"other_adaf_session=abc")], None),
        ([(b"cookie", b"adaf_session=")], None),
        ([(b"cookie", b"adaf_session=one"), (b"authorization", b"Bearer two")], "two"),
        ([(b"cookie", b"adaf_session=one"), (b"authorization", b"Basic two")], None),
        ([(b"cookie", b"adaf_session=\xff\xfe")], "ÿþ"),
    ],
)
def test_where_the_token_is_found(headers: list[tuple[bytes, bytes]], token: str | None) -> None:
    """The bearer header counts before the cookie; other schemes and other cookies carry no session."""
    assert token_of(scope(*headers)) == token
