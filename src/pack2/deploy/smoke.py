"""The smoke test: the application answers, and what it declares as cached really comes from the cache."""

from __future__ import annotations

import time
from typing import Final

import msgspec

from pack2.deploy.visitor import Question, Visitor
from pack2.proof.client import Answer

PATIENCE_SECONDS: Final = 15.0
"""The cache trusts its change feed after the first heartbeats; until then it stores nothing."""
_PAUSE_SECONDS = 0.1
_NOT_OURS_TO_JUDGE: Final = frozenset((400, 401, 403, 404, 405, 422))
"""A route that wants a query, another role or another subject than a test account has."""


class Smoke(msgspec.Struct, frozen=True):
    """What came of it: each entry names a route or page, with its reason where it is none of `hits`."""

    answered: tuple[str, ...]
    broken: tuple[str, ...]
    hits: tuple[str, ...] = ()
    not_cached: tuple[str, ...] = ()
    not_asked: tuple[str, ...] = ()


def smoke(visitor: Visitor, paths: tuple[str, ...], asked: tuple[Question, ...]) -> Smoke:
    """Ask every path once, and every policy's path until the cache answers or patience ends."""
    pages = {path: visitor.ask(path) for path in paths}
    broken = [f"{path}: {reason(answer)}" for path, answer in pages.items() if is_broken(answer)]
    hits, not_cached, not_asked = [], [], []
    deadline = time.monotonic() + PATIENCE_SECONDS
    for question in asked:
        if not question.path:
            not_asked.append(question.route)
            continue
        answer = _until_hit(visitor, question.path, deadline)
        if is_broken(answer):
            broken.append(f"{question.route}: {reason(answer)}")
        elif answer.status in _NOT_OURS_TO_JUDGE:
            not_asked.append(f"{question.route} ({answer.status})")
        elif is_hit(answer):
            hits.append(question.route)
        else:
            not_cached.append(f"{question.route} ({answer.headers.get('cache-status', 'no Cache-Status')})")
    return Smoke(tuple(pages), tuple(broken), tuple(hits), tuple(not_cached), tuple(not_asked))


def is_hit(answer: Answer) -> bool:
    return answer.headers.get("cache-status", "").startswith("pack2; hit")


def is_broken(answer: Answer) -> bool:
    return answer.status == 0 or answer.status >= 500


def reason(answer: Answer) -> str:
    return str(answer.status or answer.body.decode(errors="replace"))


def _until_hit(visitor: Visitor, path: str, deadline: float) -> Answer:
    """The second answer, or a later one while the change feed is unproven."""
    answer = visitor.ask(path)
    while not is_hit(answer) and not is_broken(answer) and answer.status not in _NOT_OURS_TO_JUDGE:
        answer = visitor.ask(path)
        if is_hit(answer) or time.monotonic() > deadline:
            break
        time.sleep(_PAUSE_SECONDS)
    return answer
