"""Reads one-minute bars from CSV and Parquet files and checks every row: a file is imported whole or not at
all.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pack2.errors import Pack2Error

_TIME_NAMES = ("timestamp", "ts", "time", "date", "unix")
_VALUE_NAMES = ("open", "high", "low", "close", "volume")
_MILLISECONDS_FROM = 1e11  # epoch seconds reach it in the year 5138, milliseconds reached it in 1973
_EARLIEST, _LATEST = 631_152_000, 7_258_118_400  # 1990 and 2200, in Unix seconds
_MINUTE = 60
_FAULTS_SHOWN = 5

Floats = npt.NDArray[np.float64]


class BarFileError(Pack2Error):
    """{path}: {reason}. Nothing was imported; a bar file has a header with timestamp (or date, time, unix),
    open, high, low, close, volume, and times as epoch seconds, epoch milliseconds or ISO 8601 with a zone.
    """


class BarRowsError(Pack2Error):
    """{path}: {count} of {rows} rows are not bars, and nothing was imported: {faults}. Correct them and
    import again.
    """


@dataclass(frozen=True)
class Bars:
    """Bars by row of the file: `seconds` since the Unix epoch, `values` (rows, 5): open, high, low, close,
    volume.
    """

    seconds: Floats
    values: Floats

    def __len__(self) -> int:
        return len(self.seconds)


def read_bars(path: Path) -> Bars:
    """The bars of a `.csv` or `.parquet` file, each one checked. Raises BarFileError, BarRowsError."""
    readers: dict[str, Callable[[Path], tuple[Bars, list[int]]]] = {
        ".csv": _read_csv,
        ".parquet": _read_parquet,
    }
    if path.suffix.lower() not in readers:
        raise BarFileError(path=path, reason="its name ends neither in .csv nor in .parquet")
    try:
        bars, lines = readers[path.suffix.lower()](path)
    except OSError as error:
        raise BarFileError(path=path, reason=error.strerror or str(error)) from None
    if not len(bars):
        raise BarFileError(path=path, reason="it has no rows")
    if faults := _faults(bars, lines):
        shown = "; ".join(f"line {line}: {fault}" for line, fault in faults[:_FAULTS_SHOWN])
        more = f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
        raise BarRowsError(path=path, count=len(faults), rows=len(bars), faults=shown + more)
    return bars


def _read_csv(path: Path) -> tuple[Bars, list[int]]:
    """Bars and the line number of each; what is no number or no time becomes NaN and is told by `_faults`."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file)
            header = next(rows, [])
            places = _places(path, header)
            lines, cells = [], []
            for row in rows:
                if row:
                    lines.append(rows.line_num)
                    cells.append([row[place] if place < len(row) else "" for place in places])
    except UnicodeDecodeError:
        raise BarFileError(path=path, reason="it is not text in UTF-8") from None
    except csv.Error as error:
        raise BarFileError(path=path, reason=f"it is not CSV ({error})") from None
    table = list(zip(*cells, strict=True)) or [()] * len(places)
    values = np.array([_numbers(column) for column in table[1:]]).T
    return Bars(np.array([_seconds(cell) for cell in table[0]], dtype=np.float64), values), lines


def _read_parquet(path: Path) -> tuple[Bars, list[int]]:
    """As `_read_csv`; row numbers count from 1."""
    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise BarFileError(path=path, reason=f"it is not Parquet ({str(error).splitlines()[0]})") from None
    places = _places(path, table.column_names)
    times = table.column(places[0])
    if pa.types.is_timestamp(times.type) and times.type.tz is None:
        raise BarFileError(path=path, reason=f"the times in {table.column_names[places[0]]} have no zone")
    seconds = np.array([_seconds(cell) for cell in times.to_pylist()], dtype=np.float64)
    values = np.array([_numbers(table.column(place).to_pylist()) for place in places[1:]]).T
    return Bars(seconds, values), list(range(1, len(seconds) + 1))


def _places(path: Path, header: Sequence[str]) -> list[int]:
    """Where time, open, high, low, close and volume stand; upper and lower case are one."""
    names = [name.strip().lower() for name in header]
    time = next((name for name in _TIME_NAMES if name in names), None)
    missing = [name for name in _VALUE_NAMES if name not in names]
    if time is None or missing:
        absent = ([] if time else ["timestamp"]) + missing
        raise BarFileError(path=path, reason=f"its header lacks {', '.join(absent)}")
    return [names.index(name) for name in (time, *_VALUE_NAMES)]


def _numbers(cells: Sequence[Any]) -> Floats:
    try:
        return np.array(cells, dtype=np.float64)
    except (ValueError, TypeError):
        return np.array([_number(cell) for cell in cells], dtype=np.float64)


def _number(cell: Any) -> float:
    try:
        return float(cell)
    except (ValueError, TypeError):
        return np.nan


def _seconds(cell: Any) -> float:
    """Unix seconds of an epoch number, ISO text with a zone, or a datetime; NaN for anything else."""
    if isinstance(cell, datetime):
        return cell.timestamp() if cell.tzinfo else np.nan
    number = _number(cell)
    if not np.isnan(number):
        return number / 1000 if abs(number) >= _MILLISECONDS_FROM else number
    try:
        moment = datetime.fromisoformat(str(cell).strip())
    except ValueError:
        return np.nan
    return moment.timestamp() if moment.tzinfo else np.nan


def _faults(bars: Bars, lines: list[int]) -> list[tuple[int, str]]:
    """(line, what is wrong) of each row that is no bar, one fault a row."""
    opening, high, low, close, volume = bars.values.T
    prices = bars.values[:, :4]
    with np.errstate(invalid="ignore"):
        checks = (
            (~np.isfinite(bars.seconds), "its time is neither an epoch time nor ISO 8601 with a zone"),
            (~((bars.seconds >= _EARLIEST) & (bars.seconds < _LATEST)), "its time lies outside 1990 to 2200"),
            (bars.seconds % _MINUTE != 0, "its time is not the start of a minute"),
            (~np.isfinite(bars.values).all(axis=1), "a price or the volume is not a number"),
            (~(prices > 0).all(axis=1), "a price is not above zero"),
            (~(volume >= 0), "the volume is below zero"),
            (~(low <= np.minimum(opening, close)), "open or close is below low"),
            (~(high >= np.maximum(opening, close)), "open or close is above high"),
            (_repeated(bars.seconds), "its time stands in the file already"),
        )
    faults: dict[int, str] = {}
    for is_wrong, fault in checks:
        for row in np.flatnonzero(is_wrong).tolist():
            faults.setdefault(row, fault)
    return [(lines[row], fault) for row, fault in sorted(faults.items())]


def _repeated(seconds: Floats) -> npt.NDArray[np.bool_]:
    _, first = np.unique(seconds, return_index=True)
    repeated = np.ones(len(seconds), dtype=bool)
    repeated[first] = False
    return repeated


def moments(seconds: Floats) -> list[datetime]:
    return [datetime.fromtimestamp(second, UTC) for second in seconds.tolist()]
