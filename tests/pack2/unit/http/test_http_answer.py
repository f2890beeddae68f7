"""Stored answers: what may be stored, what is sent of it."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pack2.config import HttpPolicy
from pack2.http.answer import Answer, refusal
from pack2.http.conditional import entity_tag, matches
from pack2.http.policy import Policy, compile_policies


def policy(**settings: Any) -> Policy:
    declared = HttpPolicy("/a", **{"scope": "private", "ttl_seconds": 1, **settings})
    match = compile_policies([declared])[0].find("/a")
    assert match is not None
    return match.target


PRIVATE = policy()
JSON = [(b"content-type", b"application/json")]


@pytest.mark.parametrize(
    ("status", "headers", "scope", "reason"),
    [
        (200, [], "private", ""),
        (404, [], "private", "status"),
        (500, [], "private", "status"),
        (206, [], "private", "status"),
        (200, [(b"set-cookie", b"a=1")], "private", "set-cookie"),
        (200, [(b"cache-control", b"max-age=5, No-Store")], "private", "no-store"),
        (200, [(b"cache-control", b'private="x"')], "shared", "private"),
        (200, [(b"cache-control", b"private")], "private", ""),
        (200, [(b"content-encoding", b"br")], "private", "encoded"),
        (200, [(b"content-type", b"text/event-stream; charset=utf-8")], "private", "stream"),
        (200, [(b"vary", b"*")], "private", "vary"),
        (200, [(b"vary", b"Accept-Language")], "private", "vary"),
        (200, [(b"vary", b"Accept-Encoding, Origin")], "shared", ""),
        (200, [(b"vary", b"Cookie")], "private", ""),
        (200, [(b"vary", b"Cookie")], "shared", "vary"),
    ],
)
def test_what_may_be_stored(status: int, headers: Any, scope: str, reason: str) -> None:
    """Only what the policy lists, and nothing that the application keeps for one client."""
    assert refusal(status, headers, policy(scope=scope)) == reason


def test_a_vary_that_the_policy_keys_is_stored() -> None:
    """The header is part of the key then."""
    assert refusal(200, [(b"vary", b"Accept-Language")], policy(vary=("Accept-Language",))) == ""


def test_per_request_headers_are_not_stored() -> None:
    """A database time, a date or a request's number of the first client is not the next one's."""
    stored = Answer(
        200,
        [*JSON, (b"server-timing", b"db;dur=9"), (b"date", b"x"), (b"x-request-id", b"1")],
        b"{}",
        PRIVATE,
    )
    assert {name for name, _ in stored.form(None)[0]} == {
        b"content-type",
        b"etag",
        b"cache-control",
        b"vary",
        b"content-length",
    }


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        (None, None),
        (b"gzip, deflate, br, zstd", b"zstd"),
        (b"gzip", b"gzip"),
        (b"GZIP;q=0.5", b"gzip"),
        (b"zstd;q=0, gzip", b"gzip"),
        (b"zstd; q=0.000", None),
        (b"br", None),
        (b"*", None),
        (b"identity", None),
    ],
)
def test_the_smallest_form_that_the_client_takes(accept: bytes | None, encoding: bytes | None) -> None:
    """zstd, else gzip, else as it is; each form is the same content."""
    body = b'{"price": 1234.5}' * 200
    headers, sent = Answer(200, JSON, body, PRIVATE).form(accept)
    assert dict(headers).get(b"content-encoding") == encoding
    assert dict(headers)[b"content-length"] == b"%d" % len(sent)
    unpacked = {None: bytes, b"gzip": gzip.decompress, b"zstd": zstandard.decompress}[encoding](sent)
    assert unpacked == body


def test_pictures_and_small_answers_are_not_compressed() -> None:
    """It would cost and not save."""
    picture = Answer(200, [(b"content-type", b"image/png")], b"0" * 5000, PRIVATE)
    small = Answer(200, JSON, b"{}", PRIVATE)
    for answer in (picture, small):
        assert b"content-encoding" not in dict(answer.form(b"zstd, gzip")[0])


@given(st.binary(max_size=3000), st.sampled_from([b"application/json", b"text/html", b"image/png"]))
def test_an_answer_comes_back_equal_through_redis(body: bytes, content_type: bytes) -> None:
    """A memory hit and a Redis hit never differ, in any form."""
    answer = Answer(200, [(b"content-type", content_type), (b"x-kind", b"a")], body, PRIVATE)
    again = Answer.from_bytes(answer.to_bytes(), PRIVATE)
    for accept in (None, b"gzip", b"zstd"):
        assert again.form(accept) == answer.form(accept)
    assert (again.status, again.etag, again.headers_304) == (answer.status, answer.etag, answer.headers_304)


def test_private_answers_tell_the_browser_to_ask_each_time() -> None:
    """Only then does an expiry reach it."""
    assert dict(Answer(200, JSON, b"{}", PRIVATE).headers_304)[b"cache-control"] == b"private, no-cache"
    shared = dict(Answer(200, JSON, b"{}", policy(scope="shared")).headers_304)
    assert shared[b"cache-control"] == b"private, no-cache"
    assert b"Cookie" in shared[b"vary"]


TAG = entity_tag(b"text/html", b"body")


@pytest.mark.parametrize(
    ("header", "is_match"),
    [
        (TAG, True),
        (TAG.removeprefix(b"W/"), True),
        (b'"other", ' + TAG + b', W/"third"', True),
        (b"*", True),
        (b'"other"', False),
        (TAG.strip(b'W/"'), False),
        (b"", False),
        (b'"unclosed', False),
    ],
)
def test_if_none_match_compares_weakly(header: bytes, is_match: bool) -> None:
    """Lists, weak and strong forms, and the star (RFC 9110 §13.1.2)."""
    assert matches(header, TAG) is is_match


def test_an_entity_tag_depends_on_content_and_type_alone() -> None:
    """So it is equal in every worker, and differs where the answer does."""
    assert entity_tag(b"a", b"b") == entity_tag(b"a", b"b")
    assert len({entity_tag(b"a", b"b"), entity_tag(b"a", b"c"), entity_tag(b"b", b"b")}) == 3
