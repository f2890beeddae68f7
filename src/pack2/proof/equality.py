"""Both variants must give the same answers before their speeds are compared.

Three GETs of every route go to the untuned server, and twice to the tuned one, so that a stored answer is
compared
too. The statements that each answer needed are counted on the way: the comparison no clock can blur.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from pack2.proof.client import Answer, send
from pack2.proof.model import Variant
from pack2.proof.servers import Server

_DIGITS = 9
_VOLATILE = re.compile(rb'(nonce|csrf|request_id)="?[^"&\s]+|"(request_id|generated_at|expires_at)":"[^"]*"')
_COUNT = r"""
SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND query ~ '^\w+ /\* [a-z0-9_]+ \*/'
"""


@dataclass(frozen=True)
class Comparison:
    """`different`: one sentence a difference. `statements`: route name → (untuned, tuned miss, tuned
    again)."""

    different: tuple[str, ...]
    compared: int
    statements: Mapping[str, tuple[int, int, int]]


def compare(servers: Mapping[Variant, Server], parameters: Mapping[str, Any], cookie: str) -> Comparison:
    """Ask both servers for every sample of the journey and compare status and body."""
    different: list[str] = []
    statements: dict[str, tuple[int, int, int]] = {}
    samples: Sequence[Mapping[str, Any]] = parameters["samples"]
    before, after = servers["before"], servers["after"]
    with _counter(before) as count_before, _counter(after) as count_after:
        for sample in samples:
            token = parameters["accounts"][sample["account"]]["token"]
            headers = credentials(sample["kind"], token, cookie)
            asked = [(before, count_before), (after, count_after), (after, count_after)]
            answers, counts = zip(*(_ask(*one, sample["path"], headers) for one in asked), strict=True)
            statements.setdefault(sample["name"], (counts[0], counts[1], counts[2]))
            different += differences(sample["name"], answers)
    return Comparison(tuple(different), len(samples), statements)


def credentials(kind: str, token: str, cookie: str) -> dict[str, str]:
    """How a signed-in client asks: pages by cookie, the API by bearer token."""
    if kind == "page" and cookie:
        return {"Cookie": f"{cookie}={token}"}
    return {"Authorization": f"Bearer {token}"}


def _ask(
    server: Server, connection: psycopg.Connection, path: str, headers: dict[str, str]
) -> tuple[Answer, int]:
    before = _statements(connection)
    answer = send(server.base_url, path, headers=headers)
    return answer, _statements(connection) - before


def _statements(connection: psycopg.Connection) -> int:
    row = connection.execute(_COUNT).fetchone()
    return int(row[0]) if row else 0


def _counter(server: Server) -> psycopg.Connection:
    return psycopg.connect(server.database_url, autocommit=True)


def differences(name: str, answers: Sequence[Answer]) -> list[str]:
    expected, *others = answers
    if expected.status != 200:
        return [f"{name} answered {expected.status} untuned"]
    found = []
    for which, answer in zip(("tuned", "tuned, asked again"), others, strict=True):
        if answer.status != expected.status:
            found.append(f"{name} answered {answer.status} {which}, {expected.status} untuned")
        elif normal(answer.body) != normal(expected.body):
            found.append(f"{name} has another body {which}")
    return found


def normal(body: bytes) -> object:
    """A body without what must differ between two servers: JSON numbers to nine digits, no nonces."""
    try:
        return _rounded(json.loads(_VOLATILE.sub(b"", body)))
    except ValueError:
        return _VOLATILE.sub(b"", body)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list) else value
