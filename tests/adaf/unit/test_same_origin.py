"""The same-origin rule for requests that change something."""

from __future__ import annotations

import pytest

from adaf.auth.same_origin import is_own

HOST = {b"host": b"adaf.test:8000"}
COOKIE = {b"cookie": b"adaf_session=x"}


@pytest.mark.parametrize(
    "headers",
    [
        {b"sec-fetch-site": b"same-origin"},
        {b"sec-fetch-site": b"none"},
        {b"origin": b"http://adaf.test:8000"},
        {b"origin": b"https://ADAF.test:8000"},
        {b"referer": b"http://adaf.test:8000/portfolio/7?x=1"},
    ],
)
def test_our_own_pages_may(headers: dict[bytes, bytes]) -> None:
    """A browser that says the request comes from our own page is believed."""
    assert is_own(HOST | COOKIE | headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"sec-fetch-site": b"cross-site"},
        {b"sec-fetch-site": b"same-site"},
        {b"sec-fetch-site": b"cross-site", b"origin": b"http://adaf.test:8000"},
        {b"origin": b"null"},
        {b"origin": b"http://adaf.test"},
        {b"origin": b"http://adaf.test:8000.evil.example"},
        {b"origin": b"http://evil.example", b"referer": b"http://adaf.test:8000/"},
        {b"referer": b"http://evil.example/adaf.test:8000"},
        {b"referer": b"http://adaf.test:8000@evil.example/"},
        {b"origin": b"http://[::1"},
        {b"origin": b""},
    ],
)
def test_a_cookie_without_proof_may_not(headers: dict[bytes, bytes]) -> None:
    """With a session cookie, anything that is not provably our own page is refused."""
    assert not is_own(HOST | COOKIE | headers)


def test_a_script_without_session_may() -> None:
    """Without a cookie there is nothing to abuse: a script may sign in."""
    assert is_own(HOST)


def test_without_host_nothing_is_our_own() -> None:
    """An origin can not be compared with a host that is missing."""
    assert not is_own({b"origin": b"http://"} | COOKIE)
