"""Taking what does not pay out of the file of indexes, and telling why with its figures."""

from __future__ import annotations

import re
from pathlib import Path

from pack2.database.index_file import load_indexes, rollback_path, rollback_sql, without
from pack2.database.index_verify import IndexVerdict, Verification

_HEAD = """# Rejected indexes

Each was built on a copy of the sample data and measured by `pack2 indexes verify`; it did not pay and was
taken out. Blocks: all parameter rows of the query; times: ms an execution; both without → with the index.

| index | definition | why | query | measured | blocks | ms | saved ms (95 %) |
|---|---|---|---|---|---|---|---|
"""


def reject(path: Path, found: Verification) -> tuple[IndexVerdict, ...]:
    """Take the indexes that do not pay out of `path` and its rollback; list them beside it."""
    definitions = {definition.name: definition for definition in load_indexes(path)}
    rejected = [verdict for verdict in found.rejected if verdict.name in definitions]
    if not rejected:
        return ()
    listing = path.with_name("rejected.md")
    known = _known(listing)
    for verdict in rejected:
        definition = definitions[verdict.name]
        known[verdict.name] = _row(verdict, f"{definition.table} {definition.clause}")
    listing.write_text(_HEAD + "\n".join(known.values()) + "\n", encoding="utf-8")
    text = without(path.read_text(encoding="utf-8"), [definitions[verdict.name] for verdict in rejected])
    path.write_text(text, encoding="utf-8")
    rollback_path(path).write_text(rollback_sql(load_indexes(path), path.name), encoding="utf-8")
    return tuple(rejected)


def _known(listing: Path) -> dict[str, str]:
    """The rows that stand in `rejected.md` already, by index."""
    if not listing.exists():
        return {}
    rows = re.findall(r"^\| `(idx_\w+)` \|.*$", listing.read_text(encoding="utf-8"), re.MULTILINE)
    lines = listing.read_text(encoding="utf-8").splitlines()
    return {name: next(line for line in lines if line.startswith(f"| `{name}` |")) for name in rows}


def _row(verdict: IndexVerdict, definition: str) -> str:
    best = verdict.best
    cells = [f"`{verdict.name}`", f"`{definition.replace('|', chr(92) + '|')}`", verdict.reason]
    if best is None:
        return "| " + " | ".join([*cells, "", "", "", "", ""]) + " |"
    cells += [
        best.query,
        best.how,
        f"{best.buffers_without} → {best.buffers_with}",
        f"{best.milliseconds_without:.3f} → {best.milliseconds_with:.3f}",
        f"{best.saved_low_milliseconds:.3f} … {best.saved_high_milliseconds:.3f}",
    ]
    return "| " + " | ".join(cells) + " |"
