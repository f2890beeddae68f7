"""Named queries in `.sql` files: one name a query, so that code, plans, metrics and proofs mean the same.

The text sent to PostgreSQL has `/* name */` after its first word, which pg_stat_statements keeps, so that
statistics join by name. (Not before it: PostgreSQL 18 cuts off a statement's leading comment.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from pack2.errors import QueryFileError

_FIRST_WORD = re.compile(r"^\w+")
_NAME = re.compile(r"^-- name: ([a-z][a-z0-9_]*)\s*$")
_SAMPLE = re.compile(r"^-- sample: (.*)$")
_CONTINUED = re.compile(r"^--\s{2,}(.*)$")


class NamedQuery(msgspec.Struct, frozen=True):
    """One statement. `sample_sql` yields parameter rows ($1 … in column order); None: never replayed."""

    name: str
    sql: str
    sample_sql: str | None
    path: str


def find_queries(patterns: Iterable[str], root: Path = Path()) -> dict[str, NamedQuery]:
    """All queries in the files that match `patterns` (globs below `root`), by name."""
    return load_queries(sorted({path for pattern in patterns for path in root.glob(pattern)}))


def load_queries(paths: Iterable[Path]) -> dict[str, NamedQuery]:
    """All queries in `paths`, by name. Raises QueryFileError for a doubled name or a malformed block."""
    queries: dict[str, NamedQuery] = {}
    for path in paths:
        for line, query in parse_queries(path.read_text(encoding="utf-8"), str(path)):
            if query.name in queries:
                reason = f"the name {query.name} stands already in {queries[query.name].path}"
                raise QueryFileError(path=path, line=line, reason=reason)
            queries[query.name] = query
    return queries


def parse_queries(text: str, path: str = "<text>") -> Iterator[tuple[int, NamedQuery]]:
    """Yield (line number, query) for each `-- name:` block of `text`."""
    blocks: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _NAME.match(line):
            blocks.append((number, match[1], []))
        elif blocks:
            blocks[-1][2].append(line)
        elif line.strip() and not line.startswith("--"):
            raise QueryFileError(path=path, line=number, reason="SQL before the first `-- name:`")
    for number, name, lines in blocks:
        yield number, _query(name, lines, path, number)


def _query(name: str, lines: list[str], path: str, number: int) -> NamedQuery:
    sample: list[str] = []
    body: list[str] = []
    for line in lines:
        match = _SAMPLE.match(line) or (_CONTINUED.match(line) if sample and not body else None)
        if match:
            sample.append(match[1])
        elif not line.startswith("--"):
            body.append(line)
    sql = "\n".join(body).strip()
    if not sql.endswith(";") or len(sql) < 2:
        raise QueryFileError(
            path=path, line=number, reason=f"{name} has no statement that ends with a semicolon"
        )
    sample_sql = " ".join(sample).strip().rstrip(";") or None
    named = _FIRST_WORD.sub(rf"\g<0> /* {name} */", sql[:-1].rstrip(), count=1)
    return NamedQuery(name=name, sql=named, sample_sql=sample_sql, path=path)
