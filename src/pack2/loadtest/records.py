"""Reads the lines that `journey.js` logs, one a request, into arrays.

k6's own CSV writes about twelve rows a request and cannot join a duration with its cache outcome; one line
of ours
costs the generator a tenth of that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pack2.loadtest.errors import RecordError

FIELDS = 11
HIT, MISS, UNCACHED = 1, 0, -1
_OUTCOMES = {"hit": HIT, "miss": MISS, "-": UNCACHED}
_RECORD = "r|"


@dataclass(frozen=True)
class Records:
    """One run's requests as columns of equal length, in order of completion."""

    finished_ms: NDArray[np.float64]  # Unix time in ms
    position: NDArray[np.int64]  # place in the journey's sequence; -1: ingestion
    name: NDArray[np.str_]  # "GET /route/{template}"
    kind: NDArray[np.str_]  # api | page | write | ingest
    status: NDArray[np.int64]  # HTTP status; 0: no answer
    duration_ms: NDArray[np.float64]  # waiting for a connection included
    cache: NDArray[np.int64]  # HIT, MISS or UNCACHED (no Cache-Status header)
    database_ms: NDArray[np.float64]  # from Server-Timing, as the next two; NaN where absent
    cache_ms: NDArray[np.float64]
    queries: NDArray[np.float64]

    @property
    def hit_ms(self) -> NDArray[np.float64]:
        """What answering from the cache took, of hits alone: a miss's time is the application's."""
        taken: NDArray[np.float64] = self.cache_ms[(self.cache == HIT) & ~np.isnan(self.cache_ms)]
        return taken

    def __len__(self) -> int:
        return len(self.duration_ms)

    def where(self, mask: NDArray[np.bool_]) -> Records:
        """The requests that `mask` selects."""
        return Records(**{field: column[mask] for field, column in vars(self).items()})

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Requests without an answer or with a status of 400 and above."""
        failed: NDArray[np.bool_] = (self.status < 200) | (self.status >= 400)
        return failed

    @property
    def api_reads(self) -> NDArray[np.bool_]:
        mask: NDArray[np.bool_] = (self.kind == "api") & np.char.startswith(self.name, "GET ")
        return mask


def read_records(path: Path, *, cut_short: bool = False) -> Records:
    """Parse the console output of one k6 run. Raises RecordError for a torn or foreign record.

    Of a run that was `cut_short` the last line may be torn; it is left out.
    """
    rows: list[list[str]] = []
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if cut_short:
        text = text[: text.rfind("\n") + 1]
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith(_RECORD):
            row = line.split("|")
            if len(row) != FIELDS or row[7] not in _OUTCOMES:
                raise RecordError(path=path, line=number, text=line[:80])
            rows.append(row)
    return _columns(rows)


def _columns(rows: list[list[str]]) -> Records:
    columns: list[Any] = list(zip(*rows, strict=True)) if rows else [()] * FIELDS
    return Records(
        finished_ms=np.array(columns[1], dtype=np.float64),
        position=np.array(columns[2], dtype=np.int64),
        name=np.array(columns[3], dtype=np.str_),
        kind=np.array(columns[4], dtype=np.str_),
        status=np.array(columns[5], dtype=np.int64),
        duration_ms=np.array(columns[6], dtype=np.float64),
        cache=np.array([_OUTCOMES[outcome] for outcome in columns[7]], dtype=np.int64),
        database_ms=_numbers(columns[8]),
        cache_ms=_numbers(columns[9]),
        queries=_numbers(columns[10]),
    )


def _numbers(column: Sequence[str]) -> NDArray[np.float64]:
    return np.array([np.nan if value == "-" else float(value) for value in column], dtype=np.float64)


def concatenate(parts: list[Records]) -> Records:
    """All requests of `parts`, in their order."""
    if not parts:
        return _columns([])
    return Records(
        **{field: np.concatenate([vars(part)[field] for part in parts]) for field in vars(parts[0])}
    )


def route_of(name: str) -> str:
    """The route template of a request's name: "GET /a/{b}?timeframe=1h" → "/a/{b}"."""
    return re.sub(r"\?.*$", "", name.split(" ", 1)[-1])
