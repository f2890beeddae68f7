"""The file of performance indexes: plain SQL that psql runs too, read with PostgreSQL's own parser.

`-- serves: query_a, query_b` above `CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_… ON …;` and nothing else, so
that what is applied, verified and taken back is exactly what the file says. A partitioned table can not be
indexed CONCURRENTLY by one statement: there `-- partitioned` stands above a CREATE INDEX without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import postgast

from pack2.database.errors import IndexFileError

_SERVES = re.compile(r"^\s*--\s*serves:\s*(.*?)\s*$")
_CONTINUED = re.compile(r"^--\s{2,}([a-z0-9_, ]+)$")
_PARTITIONED = re.compile(r"^\s*--\s*partitioned\b", re.MULTILINE)
_QUERY_NAME = re.compile(r"^[a-z][a-z0-9_]*$")


class IndexDefinition(msgspec.Struct, frozen=True):
    """One declared index. `clause` is everything after the table's name, in the words of the file."""

    name: str
    schema: str | None
    table: str
    clause: str
    serves: tuple[str, ...]
    unique: bool
    partitioned: bool
    has_expression: bool
    line: int
    first_line: int
    last_line: int

    @property
    def target(self) -> str:
        """The table, quoted, with its schema where the file names one."""
        return ".".join(quote(part) for part in (self.schema, self.table) if part)

    def create(self, name: str | None = None, target: str | None = None, *, how: str = "CONCURRENTLY") -> str:
        """CREATE INDEX for this definition, under another name or on a partition if told so."""
        unique = "UNIQUE " if self.unique else ""
        return (
            f"CREATE {unique}INDEX {how} {quote(name or self.name)} ON {target or self.target} {self.clause}"
        )


def quote(name: str) -> str:
    """`name` as an SQL identifier, quoted only where PostgreSQL would."""
    plain = re.fullmatch(r"[a-z_][a-z0-9_]*", name)
    if plain and postgast.scan(name).tokens[0].keyword_kind in _NO_OR_UNRESERVED_KEYWORD:
        return name
    return '"' + name.replace('"', '""') + '"'


_NO_OR_UNRESERVED_KEYWORD = (0, 1)


def load_indexes(path: Path) -> tuple[IndexDefinition, ...]:
    """The indexes declared in `path`. Raises IndexFileError with file:line for anything else that stands
    there."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise IndexFileError(path=path, line=0, reason="there is no such file") from None
    return parse_indexes(text, str(path))


def parse_indexes(text: str, path: str = "<text>") -> tuple[IndexDefinition, ...]:
    """The indexes declared in `text`, in order."""
    try:
        tree = postgast.parse(text)
    except postgast.PgQueryError as error:
        line = text.count("\n", 0, max(0, (error.cursorpos or 1) - 1)) + 1
        raise IndexFileError(path=path, line=line, reason=str(error)) from None
    raw = text.encode("utf-8")
    indexes: dict[str, IndexDefinition] = {}
    start = 0
    for stmt in tree.stmts:
        end = stmt.stmt_location + stmt.stmt_len if stmt.stmt_len else len(raw)
        index = _definition(stmt, raw, start, end, path)
        start = end + 1
        if index.name in indexes:
            reason = f"{index.name} is declared already on line {indexes[index.name].line}"
            raise IndexFileError(path=path, line=index.line, reason=reason)
        indexes[index.name] = index
    return tuple(indexes.values())


def _definition(
    stmt: postgast.pg_query_pb2.RawStmt, raw: bytes, start: int, end: int, path: str
) -> IndexDefinition:
    """One statement of the file `raw`, with the comments since `start`, where the one before ended."""
    body_start = start + _comment_bytes(raw[start:end])
    body = raw[body_start:end]
    body_line = raw.count(b"\n", 0, body_start) + 1
    comments = raw[start:body_start].decode("utf-8")
    serves, first_line = _serves(comments, raw.count(b"\n", 0, start) + 1, path, body_line)
    if not stmt.stmt.HasField("index_stmt"):
        raise IndexFileError(path=path, line=body_line, reason="this is no CREATE INDEX")
    node = stmt.stmt.index_stmt
    partitioned = bool(_PARTITIONED.search(comments.rpartition("\n\n")[2]))
    for wrong, reason in (
        (
            not node.concurrent and not partitioned,
            "CONCURRENTLY is missing: without it the build locks writers out",
        ),
        (node.concurrent and partitioned, "a partitioned table can not be indexed CONCURRENTLY by psql"),
        (not node.if_not_exists, "IF NOT EXISTS is missing: psql could not run the file twice"),
        (not node.idxname.startswith("idx_"), f"the name {node.idxname!r} does not begin with idx_"),
        (
            node.relation.inh is False,
            "ON ONLY is written by `pack2 indexes apply` itself for partitioned tables",
        ),
        (not serves, "no `-- serves:` line stands above it"),
    ):
        if wrong:
            raise IndexFileError(path=path, line=body_line, reason=reason)
    after_table = _after_table(body, node.relation.location - body_start)
    return IndexDefinition(
        name=node.idxname,
        schema=node.relation.schemaname or None,
        table=node.relation.relname,
        clause=" ".join(after_table.split()),
        serves=serves,
        unique=node.unique,
        partitioned=partitioned,
        has_expression=any(parameter.index_elem.HasField("expr") for parameter in node.index_params),
        line=body_line,
        first_line=first_line,
        last_line=body_line + body.count(b"\n"),
    )


def _comment_bytes(source: bytes) -> int:
    """How many bytes of blank lines and comments stand before the statement."""
    offset = 0
    for line in source.splitlines(keepends=True):
        if line.strip() and not line.lstrip().startswith(b"--"):
            break
        offset += len(line)
    return offset


def _serves(comments: str, line: int, path: str, body_line: int) -> tuple[tuple[str, ...], int]:
    """The names on the `-- serves:` lines directly above, and the line on which that comment begins."""
    names: list[str] = []
    first_line = body_line
    inside = False
    for number, text in enumerate(comments.splitlines(), start=line):
        if not text.strip():
            names, first_line, inside = [], body_line, False
            continue
        first_line = min(first_line, number)
        if match := (_SERVES.match(text) or (inside and _CONTINUED.match(text)) or None):
            inside = True
            names += _names(match[1], path, number)
        else:
            inside = False
    return tuple(dict.fromkeys(names)), first_line


def _names(text: str, path: str, line: int) -> Iterator[str]:
    for name in filter(None, (part.strip() for part in text.split(","))):
        if not _QUERY_NAME.match(name):
            raise IndexFileError(path=path, line=line, reason=f"{name!r} is no name of a query")
        yield name


def _after_table(body: bytes, table_offset: int) -> str:
    """The text after the table's name: `USING …` or `( … )`; comments inside are left out."""
    text = body[table_offset:].decode("utf-8")
    name = re.match(r'(?:"(?:[^"]|"")*"|[^\s(."]+)(?:\s*\.\s*(?:"(?:[^"]|"")*"|[^\s(."]+))?', text)
    rest = text[name.end() if name else 0 :]
    return re.sub(r"--[^\n]*", "", rest)


def rollback_sql(indexes: Iterable[IndexDefinition], source: str) -> str:
    """The file that takes every index of `source` away again, last one first."""
    lines = [f"-- Takes back everything in {source}. Generated; a test keeps the two in step."]
    for index in reversed(tuple(indexes)):
        name = ".".join(quote(part) for part in (index.schema, index.name) if part)
        how = "" if index.partitioned else "CONCURRENTLY "
        lines.append(f"DROP INDEX {how}IF EXISTS {name};")
    return "\n".join(lines) + "\n"


def rollback_path(path: Path) -> Path:
    """Where the rollback of the index file `path` stands."""
    return path.with_name(f"{path.stem}_rollback{path.suffix}")


def without(text: str, indexes: Iterable[IndexDefinition]) -> str:
    """`text` of an index file without the blocks of `indexes` (comments above included)."""
    gone = {number for index in indexes for number in range(index.first_line, index.last_line + 1)}
    kept = [line for number, line in enumerate(text.splitlines(), start=1) if number not in gone]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).rstrip("\n") + "\n"
