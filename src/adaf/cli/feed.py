"""`adaf feed`: a market that moves."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number

from adaf.market.feed import Fed, feed
from adaf.run.stages import ticker
from adaf.sample.target import target


def run(
    *,
    speed: Annotated[float, Parameter(validator=Number(gte=0.1, lte=60_000))] = 60.0,
    minutes: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    database_url: str | None = None,
    json: bool = False,
) -> None:
    """Write new minutes of the market until Ctrl-C, as the same minutes of a week before went.

    They stand in the ordinary tables: open pages, caches and rollups follow. What is committed stays, and the
    next feed goes on from there; one feed at a time writes into a database.

    Example: `adaf feed --speed 60`

    Parameters
    ----------
    speed
        Minutes of the market in a minute: 60 is one a second.
    minutes
        Stop after so many minutes of the market.
    database_url
        The database; DATABASE_URL unless told otherwise, else the embedded one.
    json
        Print what was written as JSON.
    """
    fed = Fed()
    with target(database_url) as found, ticker("market") as tell, suppress(KeyboardInterrupt):
        for fed in feed(found.url, speed=speed, most_minutes=minutes):
            tell(_line(fed))
    print(msgspec.json.encode(fed).decode() if json else f"written: {_line(fed)}")


def _line(fed: Fed) -> str:
    last = f", to {fed.last:%Y-%m-%d %H:%M} UTC" if fed.last else ""
    behind = f", {fed.behind_seconds:.1f} s behind" if fed.behind_seconds >= 1 else ""
    return f"{fed.minutes:,} minutes, {fed.bars:,} bars{last}{behind}"
