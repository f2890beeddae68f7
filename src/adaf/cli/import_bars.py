"""`adaf import`: one-minute bars from a CSV or Parquet file."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path

import msgspec

from adaf.market.bar_import import import_bars
from adaf.run.stages import stage
from adaf.sample.target import target


def run(
    file: Path, *, symbol: str, create: bool = False, database_url: str | None = None, json: bool = False
) -> None:
    """Import one-minute bars; importing a file again changes nothing, a corrected one corrects.

    The header names timestamp (or date, time, unix), open, high, low, close and volume in any order; times
    are epoch seconds, epoch milliseconds or ISO 8601 with a zone. Every row is checked first: one bad row
    and nothing is written.

    Example: `adaf import btc.csv --symbol BTC`

    Parameters ---------- file The file: .csv or .parquet. symbol The asset's symbol. create Create the
    asset if it does not exist. database_url The database; DATABASE_URL unless told otherwise, else the
    embedded one. json Print what was imported as JSON.
    """
    with (
        target(database_url) as found,
        redirect_stdout(sys.stderr),
        stage(f"importing {file.name}") as report,
    ):
        imported = import_bars(found.url, file, symbol, create=create, progress=report)
    if json:
        print(msgspec.json.encode(imported).decode())
    else:
        span = f"{imported.first:%Y-%m-%d %H:%M} to {imported.last:%Y-%m-%d %H:%M} UTC"
        print(f"imported {imported.bars:,} bars of {symbol}, {span}")
