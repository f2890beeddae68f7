"""Policies of `pack2.toml`, checked and compiled once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from pack2.cache.feed import check_tag
from pack2.config import HttpPolicy
from pack2.errors import Pack2Error
from pack2.http.identity import Identity
from pack2.http.routes import Routes, parameter_names

SCOPES: Final = ("public", "shared", "group", "private", "none")
SAFE: Final = ("GET", "HEAD")
IDENTITY_NAME: Final = "identity"


class PolicyError(Pack2Error):
    """The policy of {route} in pack2.toml is not usable: {reason}. `docs/cache.md` explains every setting."""


class Policy(msgspec.Struct, frozen=True):
    """One route's policy. `tags` and `expires` are templates of path parameters and `{identity}`, the
    user's id.
    """

    route: str
    scope: str
    ttl_seconds: float
    stale_seconds: float
    tags: tuple[str, ...]
    expires: tuple[str, ...]
    vary: tuple[bytes, ...]
    by_role: bool
    honour_no_cache: bool
    refresh_ahead: bool
    sensitive: bool
    browser_seconds: float
    statuses: frozenset[int]

    @property
    def needs_identity(self) -> bool:
        return self.scope in ("shared", "group", "private")


def compile_policies(policies: Iterable[HttpPolicy]) -> tuple[Routes[Policy], Routes[dict[str, Policy]]]:
    """Routes of what is stored (GET, HEAD) and of what expires it (by method). Raises PolicyError."""
    reads: Routes[Policy] = Routes()
    writes: dict[str, dict[str, Policy]] = {}
    for declared in policies:
        policy = _compile(declared)
        for method in declared.methods:
            if method == "GET":
                reads.add(declared.route, policy)
            elif method != "HEAD":
                writes.setdefault(declared.route, {})[method] = policy
    write_routes: Routes[dict[str, Policy]] = Routes()
    for route, by_method in writes.items():
        write_routes.add(route, by_method)
    return reads, write_routes


def render(
    templates: Iterable[str], parameters: Mapping[str, str], identity: Identity | None
) -> tuple[str, ...]:
    """The tags of one request. Templates that name the identity give nothing for a visitor."""
    values = dict(parameters)
    if identity is not None:
        values[IDENTITY_NAME] = identity.user_id
    return tuple(
        check_tag(template.format_map(values))
        for template in templates
        if identity is not None or f"{{{IDENTITY_NAME}}}" not in template
    )


def _compile(declared: HttpPolicy) -> Policy:
    reads = any(method in SAFE for method in declared.methods)
    _check(declared, reads)
    return Policy(
        route=declared.route,
        scope=declared.scope,
        ttl_seconds=declared.ttl_seconds,
        stale_seconds=declared.stale_seconds,
        tags=declared.tags,
        expires=declared.expires,
        vary=tuple(sorted(name.lower().encode() for name in declared.vary)),
        by_role=declared.by_role,
        honour_no_cache=declared.honour_no_cache,
        refresh_ahead=declared.refresh_ahead,
        sensitive=declared.sensitive,
        browser_seconds=declared.browser_seconds,
        statuses=frozenset(declared.statuses),
    )


def _check(declared: HttpPolicy, reads: bool) -> None:
    def fail(reason: str) -> None:
        raise PolicyError(route=declared.route, reason=reason)

    if declared.scope not in SCOPES:
        fail(f"scope {declared.scope!r} is none of {', '.join(SCOPES)}")
    if reads and declared.expires:
        fail("a GET changes nothing, so it has nothing in `expires`")
    if reads and declared.scope != "none" and declared.ttl_seconds <= 0:
        fail("ttl_seconds must be above 0 where something is stored")
    if declared.browser_seconds and (not reads or declared.scope in ("public", "none") or declared.vary):
        fail("a browser keeps pages of signed-in users, by address alone: browser_seconds fits no other")
    if not reads and (declared.scope != "none" or declared.tags):
        fail("answers to unsafe methods are never stored: it takes only `expires`")
    known = {*parameter_names(declared.route), IDENTITY_NAME}
    for template in (*declared.tags, *declared.expires):
        try:
            tag = template.format_map(dict.fromkeys(known, "1"))
        except (KeyError, ValueError, IndexError):
            fail(f"{template!r} names what the route does not have; it has {', '.join(sorted(known))}")
        else:
            check_tag(tag)
    names_user = any(f"{{{IDENTITY_NAME}}}" in tag for tag in declared.tags)
    if declared.scope in ("public", "shared", "group") and names_user:
        fail("an entry that users share can not carry one user's tag: make it private")
