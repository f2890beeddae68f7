"""What of a request decides its answer: the key, and the request as the application may see it when an entry
is filled.

What is not in the key does not reach the application on a fill, so an unkeyed header can not poison what
others get.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from pack2.http.identity import IDENTITY_KEY, Identity, Scope
from pack2.http.policy import Policy
from pack2.http.routes import Match, Routes

MOST_TARGETS: Final = 8192
LONGEST_PATH: Final = 512
LONGEST_QUERY: Final = 1024
_NAME: Final = re.compile(rb"[A-Za-z0-9_.~\[\]-]*")
_HOST: Final = re.compile(rb"[A-Za-z0-9.:\[\]_-]*")
_CREDENTIALS: Final = (b"authorization", b"cookie")


class Target(NamedTuple):
    """A path and query under a policy. `query` is None where the query can be read in two ways."""

    policy: Policy
    parameters: dict[str, str]
    path: bytes
    query: bytes | None


class Targets:
    """Targets by path and query as they were sent, each worked out once."""

    def __init__(self, routes: Routes[Policy]) -> None:
        self._routes = routes
        self._known: dict[tuple[str, bytes], Target | None] = {}

    def find(self, path: str, query: bytes, raw_path: bytes | None) -> Target | None:
        """The target, or None where no policy has this path."""
        if raw_path is not None and raw_path.split(b"?", 1)[0] != path.encode():
            return None
        try:
            return self._known[path, query]
        except KeyError:
            pass
        if len(path) > LONGEST_PATH:
            return None
        target = self._make(self._routes.find(path), path, query)
        if len(query) <= LONGEST_QUERY:
            if len(self._known) >= MOST_TARGETS:
                self._known.clear()
            self._known[path, query] = target
        return target

    @staticmethod
    def _make(match: Match[Policy] | None, path: str, query: bytes) -> Target | None:
        if match is None:
            return None
        return Target(match.target, match.parameters, path.encode(), normal_query(query))


def normal_query(query: bytes) -> bytes | None:
    """`query` ordered by name; values of one name keep their order. None where two readers could differ
    about it.
    """
    if len(query) > LONGEST_QUERY or b";" in query:
        return None
    pairs = [pair for pair in query.split(b"&") if pair]
    names = [pair.split(b"=", 1)[0] for pair in pairs]
    if not all(_NAME.fullmatch(name) for name in names):
        return None
    order = sorted(range(len(pairs)), key=names.__getitem__)
    return b"&".join(pairs[index] for index in order)


def single_headers(scope: Scope) -> dict[bytes, bytes] | None:
    """The headers by name. None where one that matters is sent twice and readers could differ; Cookie is
    joined.
    """
    pairs = scope["headers"]
    headers: dict[bytes, bytes] = dict(pairs)
    if len(headers) == len(pairs):
        return headers
    for name in headers:
        values = [value for other, value in pairs if other == name]
        if name == b"cookie":
            headers[name] = b"; ".join(values)
        elif len(values) > 1:
            return None
    return headers


def is_plain(headers: Mapping[bytes, bytes]) -> bool:
    """A GET without body, range or an odd Host: anything else goes past the cache."""
    return (
        b"range" not in headers
        and b"transfer-encoding" not in headers
        and headers.get(b"content-length", b"0") == b"0"
        and b"upgrade" not in headers
        and _HOST.fullmatch(headers.get(b"host", b"")) is not None
    )


def key_of(
    target: Target, scope: Scope, headers: Mapping[bytes, bytes], identity: Identity | None
) -> tuple[object, ...]:
    """What the answer depends on. A tuple, so that no part can spill into the next."""
    policy = target.policy
    if policy.scope == "public":
        owner: object = None
    else:
        assert identity is not None
        owner = _OWNERS[policy.scope](identity)
    roles = tuple(sorted(identity.roles)) if policy.by_role and identity is not None else None
    vary = tuple(headers.get(name) for name in policy.vary)
    return (target.path, target.query, headers.get(b"host"), scope.get("scheme"), owner, roles, vary)


def _group(identity: Identity) -> object:
    """A group can not be taken for a user: it is a tuple of one."""
    return identity.user_id if identity.group is None else (identity.group,)


_OWNERS: Final[dict[str, Callable[[Identity], object]]] = {
    "private": lambda identity: identity.user_id,
    "group": _group,
    "shared": lambda _: "",
}


def fill_scope(
    scope: Scope,
    headers: Mapping[bytes, bytes],
    policy: Policy,
    identity: Identity | None,
    session_cookie: bytes,
) -> Scope:
    """The request that the application sees: GET with the keyed headers and, behind a sign-in, the
    credential.
    """
    kept = [
        (name, headers[name])
        for name in (b"host", *policy.vary)
        if name in headers and name not in _CREDENTIALS
    ]
    if policy.needs_identity:
        kept += _credentials(headers, session_cookie)
    filled = {**scope, "method": "GET", "headers": kept}
    if policy.scope != "private":
        filled["query_string"] = scope["query_string"]
    filled[IDENTITY_KEY] = identity
    return filled


def _credentials(headers: Mapping[bytes, bytes], session_cookie: bytes) -> list[tuple[bytes, bytes]]:
    kept = []
    if (authorization := headers.get(b"authorization")) is not None:
        kept.append((b"authorization", authorization))
    if (cookie := headers.get(b"cookie")) is not None:
        pairs = (pair.strip() for pair in cookie.split(b";"))
        wanted = [
            pair for pair in pairs if not session_cookie or pair.split(b"=", 1)[0].strip() == session_cookie
        ]
        if wanted:
            kept.append((b"cookie", b"; ".join(wanted)))
    return kept
