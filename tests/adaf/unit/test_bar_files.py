"""Bar files: what is read, and what is told about a file that is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from adaf.market.bar_files import BarFileError, BarRowsError, moments, read_bars

HEADER = "timestamp,open,high,low,close,volume"
TEN = datetime(2026, 10, 3, 10, tzinfo=UTC)


def _csv(folder: Path, *lines: str) -> Path:
    path = folder / "bars.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "time",
    [
        "1791021600",
        "1791021600.0",
        "1791021600000",
        "2026-10-03T10:00:00Z",
        "2026-10-03 10:00:00+00:00",
        "2026-10-03T12:00+02:00",
    ],
)
def test_times_are_epochs_or_iso_with_a_zone(tmp_path: Path, time: str) -> None:
    """Seconds, milliseconds and ISO text name the same minute."""
    bars = read_bars(_csv(tmp_path, HEADER, f"{time},100,102,99,101,5"))
    assert moments(bars.seconds) == [TEN]
    assert bars.values.tolist() == [[100, 102, 99, 101, 5]]


@pytest.mark.parametrize("name", ["timestamp", "Date", "TIME", "Unix", "ts"])
def test_headers_are_read_by_name(tmp_path: Path, name: str) -> None:
    """Columns stand in any order, in any case, with spaces and with others between them."""
    bars = read_bars(
        _csv(tmp_path, f"Volume, Close,symbol,Low,High,OPEN,{name}", "5,101,BTC,99,102,100,1791021600")
    )
    assert bars.values.tolist() == [[100, 102, 99, 101, 5]]


def test_a_byte_order_mark_and_empty_lines_do_not_matter(tmp_path: Path) -> None:
    """What spreadsheets add is left out."""
    bars = read_bars(_csv(tmp_path, "\ufeff" + HEADER, "", "1791021600,100,102,99,101,5", ""))
    assert len(bars) == 1


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("2026-10-03 10:00,100,102,99,101,5", "its time is neither"),
        ("yesterday,100,102,99,101,5", "its time is neither"),
        (",100,102,99,101,5", "its time is neither"),
        ("1791021601,100,102,99,101,5", "not the start of a minute"),
        ("60,100,102,99,101,5", "outside 1990 to 2200"),
        ("1791021600,100,102,99,101", "not a number"),
        ("1791021600,abc,102,99,101,5", "not a number"),
        ("1791021600,nan,102,99,101,5", "not a number"),
        ("1791021600,inf,102,99,101,5", "not a number"),
        ("1791021600,0,102,0,101,5", "not above zero"),
        ("1791021600,100,102,99,101,-1", "volume is below zero"),
        ("1791021600,100,102,100.5,101,5", "below low"),
        ("1791021600,100,100.5,99,101,5", "above high"),
    ],
)
def test_a_bad_row_is_told_by_its_line(tmp_path: Path, row: str, fault: str) -> None:
    """The message names the line and what is wrong with it."""
    path = _csv(tmp_path, HEADER, "1791021540,100,102,99,101,5", row)
    with pytest.raises(BarRowsError, match=rf"1 of 2 rows .* line 3: .*{fault}"):
        read_bars(path)


def test_a_repeated_minute_is_refused(tmp_path: Path) -> None:
    """One minute stands once in a file: the second row is the fault."""
    row = "1791021600,100,102,99,101,5"
    with pytest.raises(BarRowsError, match="line 3: its time stands in the file already"):
        read_bars(_csv(tmp_path, HEADER, row, row))


def test_many_faults_are_counted(tmp_path: Path) -> None:
    """Five are shown, the rest are counted."""
    with pytest.raises(BarRowsError, match=r"12 of 12 rows .* line 6: .*; and 7 more"):
        read_bars(_csv(tmp_path, HEADER, *(["x,1,1,1,1,1"] * 12)))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """The header's missing names are told, the time among them."""
    with pytest.raises(BarFileError, match="lacks timestamp, low, volume"):
        read_bars(_csv(tmp_path, "open,high,close", "1,1,1"))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("bars.csv", b"", "lacks timestamp"),
        ("bars.csv", HEADER.encode(), "has no rows"),
        ("bars.csv", b"\xff\xfe\x00binary", "not text in UTF-8"),
        ("bars.parquet", b"not parquet at all", "not Parquet"),
        ("bars.xlsx", b"", "neither in .csv nor in .parquet"),
    ],
)
def test_files_that_are_none_are_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    """An empty, binary, broken or foreign file is told as such."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BarFileError, match=reason):
        read_bars(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """The message names the path."""
    with pytest.raises(BarFileError, match=r"absent\.csv: No such file"):
        read_bars(tmp_path / "absent.csv")


def _column(kind: pa.DataType, *values: object) -> pa.ChunkedArray:
    """By way of CSV: from lists, pyarrow makes columns with pandas, which takes a second to import."""
    text = "\n".join(["column", *map(str, values)]).encode()
    read_as = pa.int64() if pa.types.is_timestamp(kind) else kind
    table = csv.read_csv(
        pa.BufferReader(text), convert_options=csv.ConvertOptions(column_types={"column": read_as})
    )
    return table["column"].cast(kind)


def _parquet(folder: Path, times: pa.ChunkedArray) -> Path:
    path = folder / "bars.parquet"
    value = _column(pa.float64(), 100.0, 100.0)
    names = ["Timestamp", "Open", "High", "Low", "Close", "Volume"]
    pq.write_table(pa.Table.from_arrays([times, *[value] * 5], names), path)
    return path


@pytest.mark.parametrize(
    "times",
    [
        _column(pa.int64(), 1_791_021_600, 1_791_021_660),
        _column(pa.int64(), 1_791_021_600_000, 1_791_021_660_000),
        _column(pa.timestamp("ms", "UTC"), 1_791_021_600_000, 1_791_021_660_000),
        _column(pa.timestamp("ns", "Europe/Berlin"), 1_791_021_600_000_000_000, 1_791_021_660_000_000_000),
        _column(pa.string(), "2026-10-03T10:00:00Z", "2026-10-03T10:01:00Z"),
    ],
)
def test_parquet_is_read(tmp_path: Path, times: pa.ChunkedArray) -> None:
    """Parquet files with numbers, text or zoned timestamps hold the same bars."""
    bars = read_bars(_parquet(tmp_path, times))
    assert bars.seconds.tolist() == [1_791_021_600, 1_791_021_660]
    assert bars.values.tolist() == [[100.0] * 5] * 2


def test_parquet_times_need_a_zone(tmp_path: Path) -> None:
    """A timestamp column without zone could mean any: it is refused."""
    times = _column(pa.timestamp("ms"), 1_791_021_600_000, 1_791_021_600_000)
    with pytest.raises(BarFileError, match="have no zone"):
        read_bars(_parquet(tmp_path, times))
