"""Finds the policy of a path: segments in a trie, so that a hundred routes cost what one costs.

Only plain paths match: what is written in two ways (escapes, `//`, `;`, dots) is the application's business
and is never stored, so no trick of spelling makes one user's answer another's static file.
"""

from __future__ import annotations

import re
from typing import Final, Generic, NamedTuple, TypeVar

from pack2.errors import Pack2Error

T = TypeVar("T")

_PARAMETER: Final = re.compile(r"\{([a-z_][a-z0-9_]*)(:int)?\}")
_LITERAL: Final = re.compile(r"[A-Za-z0-9._~-]+")
_VALUE: Final = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,63}")


class RouteError(Pack2Error):
    """The route {route!r} can not be compiled: {reason}. Write it like
    `/api/portfolios/{{portfolio_id}}/positions`.
    """


class Match(NamedTuple, Generic[T]):
    target: T
    parameters: dict[str, str]


class _Node(Generic[T]):
    __slots__ = ("literals", "names", "number", "target", "word")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[T]] = {}
        self.number: _Node[T] | None = None
        self.word: _Node[T] | None = None
        self.target: T | None = None
        self.names: tuple[str, ...] = ()


class Routes(Generic[T]):
    """Templates and their targets. A literal segment comes before `{name:int}`, that before `{name}`."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, route: str, target: T) -> None:
        if not route.startswith("/"):
            raise RouteError(route=route, reason="it does not begin with a slash")
        node = self._root
        names: list[str] = []
        for segment in _segments(route):
            node = _child(node, segment, route, names)
        if node.target is not None:
            raise RouteError(route=route, reason="another policy has the same route and method")
        node.target, node.names = target, tuple(names)

    def find(self, path: str) -> Match[T] | None:
        if not path.startswith("/"):
            return None
        values: list[str] = []
        node = _walk(self._root, _segments(path), 0, values)
        if node is None or node.target is None:
            return None
        return Match(node.target, dict(zip(node.names, values, strict=True)))


def parameter_names(route: str) -> list[str]:
    return [match[1] for match in _PARAMETER.finditer(route)]


def _segments(path: str) -> list[str]:
    return path[1:].split("/") if path != "/" else []


def _child(node: _Node[T], segment: str, route: str, names: list[str]) -> _Node[T]:
    if match := _PARAMETER.fullmatch(segment):
        if match[1] in names:
            raise RouteError(route=route, reason=f"{match[1]} is in it twice")
        names.append(match[1])
        if match[2]:
            node.number = node.number or _Node()
            return node.number
        node.word = node.word or _Node()
        return node.word
    if not _LITERAL.fullmatch(segment):
        raise RouteError(route=route, reason=f"{segment!r} is neither plain text nor a parameter")
    return node.literals.setdefault(segment, _Node())


def _walk(node: _Node[T], segments: list[str], at: int, values: list[str]) -> _Node[T] | None:
    if at == len(segments):
        return node if node.target is not None else None
    segment = segments[at]
    literal = node.literals.get(segment)
    if literal is not None and (found := _walk(literal, segments, at + 1, values)) is not None:
        return found
    for child, fits in ((node.number, segment.isascii() and segment.isdigit()), (node.word, True)):
        if child is None or not fits or not _VALUE.fullmatch(segment):
            continue
        values.append(segment)
        if (found := _walk(child, segments, at + 1, values)) is not None:
            return found
        values.pop()
    return None
