"""`adaf load`: schema and sample data into a database."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout

import msgspec

from adaf.run.stages import stage
from adaf.sample import load
from adaf.sample.target import stored_passwords, target


def run(
    *,
    size: str = "small",
    seed: int = 7,
    replace: bool = False,
    database_url: str | None = None,
    json: bool = False,
) -> None:
    """Make the schema and load the sample data, the same bytes for the same size and seed.

    A load that is stopped half-way leaves nothing behind; a sample that is there already is left as it is.

    Example: `adaf load --size small`

    Parameters
    ----------
    size
        tiny (35 thousand bars), small (2 million), medium (20 million) or large (144 million).
    seed
        Seed of the generator.
    replace
        Replace another sample that the database holds. Tables that are not ours are never dropped.
    database_url
        The database; DATABASE_URL unless told otherwise, else the embedded one.
    json
        Print what was loaded as JSON.
    """
    with target(database_url) as found:
        passwords = stored_passwords(found.state)
        with redirect_stdout(sys.stderr), stage(f"loading the sample {size}") as report:
            loaded = load(
                found.url, size=size, seed=seed, passwords=passwords, replace=replace, progress=report
            )
    if json:
        print(msgspec.json.encode(loaded).decode())
    elif loaded.already_loaded:
        print(f"already loaded: {loaded.sample}")
    else:
        rows = sum(loaded.rows.values())
        print(f"loaded {loaded.sample}: {rows:,} rows in {loaded.seconds:.1f} s")
        print("`adaf users` lists who may sign in")
