"""`adaf import` on a real database: whole or not at all, again without effect, announced once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from adaf.market.bar_files import BarRowsError
from adaf.market.bar_import import NoDashboardError, UnknownAssetError, import_bars

HEADER = "timestamp,open,high,low,close,volume"
AFTER = 1_791_021_600  # 2026-10-03 10:00 UTC, after the sample's last bar
NEXT_YEAR = 1_810_000_020  # in May 2027, beyond the partitions that the sample has

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a bar file of (seconds, close) pairs."""

    def written(*bars: tuple[int, float], bad: str = "") -> Path:
        path = tmp_path / "bars.csv"
        rows = [f"{seconds},{close},{close + 1},{close - 1},{close},5" for seconds, close in bars]
        path.write_text("\n".join([HEADER, *rows, *([bad] if bad else [])]), encoding="utf-8")
        return path

    return written


def _rows(url: str, query: LiteralString) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query).fetchall()


BARS: LiteralString = (
    "SELECT extract(epoch FROM ts)::bigint, close FROM market_data m JOIN assets a ON a.id = m.asset_id"
    " WHERE symbol = 'BTC' AND ts >= '2026-10-03' ORDER BY ts"
)
QUOTE: LiteralString = (
    "SELECT ts, price, volume_24h, price_24h_ago FROM quotes q JOIN assets a ON a.id = q.asset_id"
    " WHERE symbol = 'BTC'"
)


def test_bars_are_inserted_and_the_quote_follows(sample_copy: str, write: Write) -> None:
    """New bars stand in the series; the quote is the last one's close, known at its end."""
    done = import_bars(sample_copy, write((AFTER, 100.0), (AFTER + 60, 110.0)), "BTC")
    assert (done.bars, done.first, done.partitions_created) == (2, datetime(2026, 10, 3, 10, tzinfo=UTC), 0)
    assert _rows(sample_copy, BARS) == [(AFTER, 100.0), (AFTER + 60, 110.0)]
    assert _rows(sample_copy, QUOTE) == [(datetime(2026, 10, 3, 10, 2, tzinfo=UTC), 110.0, 10.0, 100.0)]


def test_importing_again_changes_nothing(sample_copy: str, write: Write) -> None:
    """The second import of a file leaves bars and quotes as they are."""
    path = write((AFTER, 100.0), (AFTER + 60, 110.0))
    import_bars(sample_copy, path, "BTC")
    before = _rows(sample_copy, BARS) + _rows(sample_copy, QUOTE)
    import_bars(sample_copy, path, "BTC")
    assert _rows(sample_copy, BARS) + _rows(sample_copy, QUOTE) == before


def test_a_corrected_file_corrects(sample_copy: str, write: Write) -> None:
    """A bar that stands already is replaced by the file's, and the others stay."""
    import_bars(sample_copy, write((AFTER, 100.0), (AFTER + 60, 110.0)), "BTC")
    import_bars(sample_copy, write((AFTER + 60, 120.0)), "BTC")
    assert _rows(sample_copy, BARS) == [(AFTER, 100.0), (AFTER + 60, 120.0)]


def test_old_bars_leave_the_quote(sample_copy: str, write: Write) -> None:
    """Bars before the last one do not turn the price back."""
    before = _rows(sample_copy, QUOTE)
    import_bars(sample_copy, write((AFTER - 20 * 86_400, 100.0)), "BTC")
    assert _rows(sample_copy, QUOTE)[0][:2] == before[0][:2]


def test_missing_months_are_created(sample_copy: str, write: Write) -> None:
    """Bars far in the future bring the partitions between them."""
    done = import_bars(sample_copy, write((AFTER, 100.0), (NEXT_YEAR, 100.0)), "BTC")
    assert done.partitions_created == 4
    assert _rows(sample_copy, "SELECT to_regclass('market_data_2027_05')::text") == [("market_data_2027_05",)]


def test_a_bad_row_writes_nothing(sample_copy: str, write: Write) -> None:
    """One bad row among good ones: the whole file is refused, its partitions too."""
    with pytest.raises(BarRowsError, match="line 4"):
        import_bars(sample_copy, write((AFTER, 100.0), (NEXT_YEAR, 1.0), bad="0,0,0,0,0,0"), "BTC")
    assert _rows(sample_copy, BARS) == []
    assert _rows(sample_copy, "SELECT to_regclass('market_data_2027_05')") == [(None,)]


def test_an_unknown_asset_is_refused_or_created(sample_copy: str, write: Write) -> None:
    """Without --create the file is refused; with it the asset gets a name, a quote and its bars."""
    path = write((AFTER, 100.0))
    with pytest.raises(UnknownAssetError, match="no asset NEW"):
        import_bars(sample_copy, path, "NEW")
    import_bars(sample_copy, path, "NEW", create=True)
    import_bars(sample_copy, path, "NEW", create=True)
    created: LiteralString = (
        "SELECT category, price FROM assets a JOIN quotes q ON q.asset_id = a.id WHERE symbol = 'NEW'"
    )
    assert _rows(sample_copy, created) == [("Imported", 100.0)]


def test_an_empty_database_is_told(database: str, write: Write) -> None:
    """Without the dashboard's tables the message says how to make them."""
    with pytest.raises(NoDashboardError, match="adaf load"):
        import_bars(database, write((AFTER, 100.0)), "BTC")


def test_one_announcement_a_file(sample_copy: str, write: Write) -> None:
    """The change feed hears `bars` and `quotes` once, when the bars are there."""
    with psycopg.connect(sample_copy, autocommit=True) as listener:
        listener.execute("LISTEN pack2")
        import_bars(sample_copy, write(*((AFTER + 60 * minute, 100.0) for minute in range(50))), "BTC")
        heard = [notice.payload for notice in listener.notifies(timeout=5, stop_after=1)]
        heard += [notice.payload for notice in listener.notifies(timeout=0)]
    assert heard == ["bars\nquotes"]
