"""The key of a request, and what the application sees when an entry is filled."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from pack2.config import HttpPolicy
from pack2.http.identity import IDENTITY_KEY, Identity
from pack2.http.policy import compile_policies
from pack2.http.request import Target, Targets, fill_scope, is_plain, key_of, normal_query, single_headers


def target(path: str = "/a", query: bytes = b"", **policy: Any) -> Target:
    declared = HttpPolicy("/a", **{"scope": "private", "ttl_seconds": 1, **policy})
    found = Targets(compile_policies([declared])[0]).find(path, query, path.encode())
    assert found is not None
    return found


def user(number: str, *roles: str) -> Identity:
    return Identity(number, frozenset(roles), f"session:{number}", 0.0)


SCOPE = {"type": "http", "scheme": "http", "query_string": b"", "method": "HEAD", "client": ("10.0.0.1", 1)}
HOST = {b"host": b"a"}


@pytest.mark.parametrize(
    ("query", "normal"),
    [
        (b"", b""),
        (b"b=2&a=1", b"a=1&b=2"),
        (b"a=2&b=&a=1&b", b"a=2&a=1&b=&b"),
        (b"&&a=1&", b"a=1"),
        (b"a=%41", b"a=%41"),
        (b"a=1;b=2", None),
        (b"%61=1&a=2", None),
        (b"a+b=1", None),
        (b"a=" + b"x" * 1024, None),
    ],
)
def test_queries_are_ordered_by_name_or_not_stored(query: bytes, normal: bytes | None) -> None:
    """What two readers could read differently goes past the cache."""
    assert normal_query(query) == normal


pairs = st.lists(
    st.tuples(st.sampled_from("abc"), st.text("xyz%41&", max_size=3).map(lambda v: v.replace("&", "")))
)


@given(pairs)
def test_a_normal_query_means_the_same_to_every_parser(values: list[tuple[str, str]]) -> None:
    """Each name keeps its values in their order."""
    query = "&".join(f"{name}={value}" for name, value in values)
    normal = normal_query(query.encode())
    assert normal is not None
    read, read_normal = parse_qsl(query, True), parse_qsl(normal.decode(), True)
    for name in "abc":
        assert [v for n, v in read if n == name] == [v for n, v in read_normal if n == name]


parts = st.tuples(
    st.binary(max_size=4),
    st.binary(max_size=4),
    st.sampled_from(["7", "8"]),
    st.sampled_from(["http", "https"]),
)


@given(parts, parts)
def test_keys_are_equal_only_for_equal_parts(one: Any, two: Any) -> None:
    """No part of a key can spill into the next."""

    def key(part: Any) -> tuple[object, ...]:
        host, accept, number, scheme = part
        headers = {b"host": host, b"accept": accept}
        return key_of(target(vary=("accept",)), {**SCOPE, "scheme": scheme}, headers, user(number))

    assert (key(one) == key(two)) == (one == two)


def test_private_keys_hold_the_user_and_shared_ones_do_not() -> None:
    """One entry a user, or one for all."""
    keys = {
        scope: {key_of(target(scope=scope), SCOPE, HOST, user(n)) for n in "789"}
        for scope in ("private", "shared")
    }
    assert {scope: len(found) for scope, found in keys.items()} == {"private": 3, "shared": 1}


def test_users_of_one_group_share_and_nobody_else_does() -> None:
    """A group is no user, whatever its name; who has no group has an entry of their own."""
    groups = {"1": "7", "2": "7", "3": "8", "4": "", "7": None, "8": None}
    keys = {
        number: key_of(target(scope="group"), SCOPE, HOST, structs.replace(user(number), group=group))
        for number, group in groups.items()
    }
    assert keys["1"] == keys["2"]
    assert len(set(keys.values())) == 5


def test_shared_entries_are_parted_by_role_where_the_policy_says_so() -> None:
    """In whatever order the roles come."""
    by_role = target(scope="shared", by_role=True)
    one, two, three = (
        key_of(by_role, SCOPE, HOST, user(n, *roles)) for n, roles in [("1", "ab"), ("2", "ba"), ("3", "a")]
    )
    assert one == two != three


def test_a_key_holds_no_credential() -> None:
    """Neither token nor cookie is in it."""
    headers = {b"host": b"a", b"authorization": b"Bearer secret", b"cookie": b"sid=secret"}
    assert b"secret" not in repr(key_of(target(), SCOPE, headers, user("7"))).encode()


def test_the_application_sees_only_what_is_keyed() -> None:
    """Forwarded headers, other cookies and unknown headers do not reach it while an entry is filled."""
    headers = {
        b"host": b"a",
        b"x-forwarded-host": b"evil",
        b"x-forwarded-proto": b"https",
        b"x-original-url": b"/admin",
        b"user-agent": b"x",
        b"accept-language": b"de",
        b"if-none-match": b'"x"',
        b"cookie": b"theme=evil; sid=7; lang=xx",
        b"authorization": b"Bearer t",
    }
    policy = target(vary=("accept-language",)).policy
    filled = fill_scope(SCOPE, headers, policy, user("7"), b"sid")
    assert dict(filled["headers"]) == {
        b"host": b"a",
        b"accept-language": b"de",
        b"cookie": b"sid=7",
        b"authorization": b"Bearer t",
    }
    assert filled["method"] == "GET"
    assert filled[IDENTITY_KEY] == user("7")


def test_a_public_entry_is_filled_without_any_credential() -> None:
    """So that it can show nobody's name to all."""
    headers = {b"host": b"a", b"cookie": b"sid=7", b"authorization": b"Bearer t"}
    filled = fill_scope(SCOPE, headers, target(scope="public").policy, None, b"sid")
    assert filled["headers"] == [(b"host", b"a")]


@pytest.mark.parametrize(
    "headers",
    [
        {b"range": b"bytes=0-1"},
        {b"transfer-encoding": b"chunked"},
        {b"content-length": b"5"},
        {b"upgrade": b"h2c"},
        {b"host": b"a b"},
        {b"host": b"a/b"},
        {b"host": b"a,b"},
    ],
)
def test_requests_that_are_not_plain_go_past(headers: dict[bytes, bytes]) -> None:
    """Ranges, bodies, upgrades, and hosts that are none."""
    assert not is_plain(headers)
    assert is_plain({b"host": b"[::1]:8000", b"content-length": b"0"})


@pytest.mark.parametrize("name", [b"host", b"authorization", b"if-none-match", b"accept"])
def test_a_header_sent_twice_goes_past(name: bytes) -> None:
    """The application might read the other one."""
    assert single_headers({"headers": [(name, b"a"), (name, b"b")]}) is None


def test_cookies_in_several_headers_are_one() -> None:
    """HTTP/2 may split them (RFC 9113 §8.2.3)."""
    headers = single_headers({"headers": [(b"cookie", b"a=1"), (b"host", b"x"), (b"cookie", b"b=2")]})
    assert headers == {b"cookie": b"a=1; b=2", b"host": b"x"}


def test_a_path_that_was_escaped_has_no_target() -> None:
    """`/%61` and `/a` are one route to the application, but not one spelling."""
    targets = Targets(compile_policies([HttpPolicy("/a", scope="shared", ttl_seconds=1)])[0])
    assert targets.find("/a", b"", b"/a") is not None
    assert targets.find("/a", b"", b"/%61") is None
    assert targets.find("/a", b"", b"/a?x=1") is not None
    assert targets.find("/a", b"", None) is not None


def test_an_attacker_can_not_fill_the_memory_with_targets() -> None:
    """What is remembered of paths and queries is bounded."""
    targets = Targets(compile_policies([HttpPolicy("/a", scope="shared", ttl_seconds=1)])[0])
    for number in range(20_000):
        targets.find("/a", b"n=%d" % number, None)
    assert len(targets._known) <= 8192
