"""Policies are checked where they are written."""

from __future__ import annotations

import pytest

from pack2.cache.feed import TagError
from pack2.config import HttpPolicy
from pack2.http.identity import Identity
from pack2.http.policy import PolicyError, compile_policies, render
from pack2.http.routes import RouteError

SEVEN = Identity("7", frozenset({"viewer"}), "session:7", 0.0)


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (HttpPolicy("/a", scope="secret", ttl_seconds=1), "none of public"),
        (HttpPolicy("/a", scope="shared"), "ttl_seconds must be above 0"),
        (HttpPolicy("/a", scope="shared", ttl_seconds=1, tags=("user:{identity}",)), "make it private"),
        (
            HttpPolicy("/a/{id}", scope="private", ttl_seconds=1, tags=("x:{other}",)),
            "names what the route does not",
        ),
        (HttpPolicy("/a", scope="private", ttl_seconds=1, tags=("x:{",)), "names what the route does not"),
        (HttpPolicy("/a", scope="private", ttl_seconds=1, expires=("x",)), "a GET changes nothing"),
        (HttpPolicy("/a", methods=("POST",), scope="private", ttl_seconds=1), "never stored"),
        (HttpPolicy("/a", methods=("POST",), tags=("x",)), "never stored"),
    ],
)
def test_a_policy_that_can_not_work_is_told_at_the_start(policy: HttpPolicy, reason: str) -> None:
    """With the route and the reason."""
    with pytest.raises(PolicyError, match=reason):
        compile_policies([policy])


def test_a_tag_that_could_not_be_announced_is_told_at_the_start() -> None:
    """The feed's own words are no tags."""
    with pytest.raises(TagError):
        compile_policies([HttpPolicy("/a", scope="shared", ttl_seconds=1, tags=("*",))])


def test_the_same_route_twice_is_told() -> None:
    """But reading and writing one route are two policies."""
    read = HttpPolicy("/a", scope="shared", ttl_seconds=1)
    write = HttpPolicy("/a", methods=("POST",), expires=("x",))
    reads, writes = compile_policies([read, write])
    assert reads.find("/a") is not None
    assert writes.find("/a") is not None
    with pytest.raises(RouteError):
        compile_policies([read, read])


def test_tags_are_filled_from_the_path_and_the_identity() -> None:
    """Nothing else of a request reaches a tag."""
    tags = render(("portfolio:{id}", "user:{identity}", "quotes"), {"id": "3"}, SEVEN)
    assert tags == ("portfolio:3", "user:7", "quotes")


def test_a_visitor_has_no_tags_of_an_identity() -> None:
    """They are left out, not filled with something that a user could be called."""
    assert render(("user:{identity}", "quotes"), {}, None) == ("quotes",)


def test_a_path_parameter_can_not_take_the_identitys_place() -> None:
    """`/users/{identity}` does not let a visitor choose whose tag it is."""
    assert render(("user:{identity}",), {"identity": "8"}, SEVEN) == ("user:7",)
