"""The README's table is generated from a committed proof, between two markers, so that it can not drift
from it."""

from __future__ import annotations

import re
from pathlib import Path

from pack2.errors import Pack2Error
from pack2.proof.model import Proof, read_proof
from pack2.proof.wording import HEADER, markdown_table, rows, verdict

BEGIN, END = "<!-- proof:begin -->", "<!-- proof:end -->"


class MarkersMissingError(Pack2Error):
    """{path} has no `<!-- proof:begin -->` … `<!-- proof:end -->`. Put both lines where the table shall
    stand."""


def section(proof: Proof) -> str:
    """The Markdown between the markers."""
    environment = proof.environment
    conditions = (
        f"Size {environment.get('size')}, {environment.get('latency_rate_per_second')} requests/s,"
        f" {environment.get('cpu_model')}, one core for the servers. Verdict: {verdict(proof)[0]}."
    )
    return f"{markdown_table(HEADER, rows(proof))}\n\n{conditions}"


def updated(text: str, proof: Proof, path: Path) -> str:
    """`text` with the table of `proof` between its markers. Raises MarkersMissingError."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not pattern.search(text):
        raise MarkersMissingError(path=path)
    return pattern.sub(lambda _: f"{BEGIN}\n{section(proof)}\n{END}", text)


def update_file(path: Path, proof_path: Path) -> None:
    """Rewrite the table in `path` from the proof in `proof_path`."""
    path.write_text(updated(path.read_text(encoding="utf-8"), read_proof(proof_path), path), encoding="utf-8")
