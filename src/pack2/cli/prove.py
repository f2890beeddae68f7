"""`pack2 prove`: measure the application before and after, and judge."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from pack2.config import load_config
from pack2.proof import PROFILES, prove, show
from pack2.proof.readme import update_file
from pack2.services import services


def prove_command(
    *,
    size: str = "medium",
    quick: bool = False,
    seed: int = 7,
    out: Path = Path("build/proof"),
    pages: bool = True,
    reload: bool = False,
    json: Annotated[bool, Parameter(negative=())] = False,
    config: Path = Path("pack2.toml"),
    table: Path | None = None,
    readme: Path = Path("README.md"),
) -> int:
    """Measure the application untuned and tuned, side by side, and judge the difference.

    Exit code 0: pass. 1: fail, a target is missed. 2: invalid, the run may not be believed.

    Example: `pack2 prove --size small --out build/proof`

    Parameters
    ----------
    size
        Sample data to load, and how long to measure: `small` takes up to 5 minutes, `medium` up to 20.
    quick
        Measure for one to two minutes only, with wider intervals.
    seed
        Seed of the data and of the sequence of requests.
    out
        Folder for proof.md, proof.json and the pictures.
    pages
        Load pages in Chromium too.
    reload
        Load the untuned data again even where it is there.
    json
        Print the proof as JSON instead of the table.
    config
        The application's configuration.
    table
        Measure nothing: write the table of this committed proof.json into the README, between its markers.
    readme
        The file that `--table` rewrites.
    """
    if table is not None:
        update_file(readme, table)
        return 0
    profile = PROFILES["quick"] if quick else None
    configuration = load_config(config)
    with services() as found:
        proof = prove(
            configuration,
            found,
            size=size,
            profile=profile,
            seed=seed,
            out=out,
            with_pages=pages,
            reload=reload,
        )
    if json:
        sys.stdout.buffer.write(msgspec.json.encode(proof) + b"\n")
    else:
        show(proof)
        print(f"\n{out / 'proof.md'}")
    return proof.exit_code
