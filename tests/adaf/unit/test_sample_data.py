"""The generated data set: the same seed gives the same bytes, and every part has its own stream."""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import cache

import msgspec
import numpy as np
import pytest

from adaf.sample.copy_format import Field, encode
from adaf.sample.sizes import SIZES, Size
from adaf.sample.strategies import strategies
from adaf.sample.streams import stream, zipf_weights
from adaf.sample.tables import batches, expected_rows, partition_name
from adaf.sample.universe import assets, price_decimals
from adaf.strategies.exposure import windows

TINY = SIZES["tiny"]


@cache
def _digests(size: Size, seed: int) -> dict[str, str]:
    """SHA-256 of each table's COPY stream, generated once for all tests."""
    found: dict[str, hashlib._Hash] = {}
    for batch in batches(size, seed):
        found.setdefault(batch.table, hashlib.sha256()).update(encode(list(batch.fields.values())))
    return {table: digest.hexdigest() for table, digest in found.items()}


def test_the_same_seed_gives_the_same_bytes() -> None:
    """Two generations of one size and seed do not differ in a byte."""
    assert _digests(TINY, 7) == _digests.__wrapped__(TINY, 7)


def test_another_seed_gives_other_bytes() -> None:
    """The seed reaches every table but the list of assets."""
    one, other = _digests(TINY, 7), _digests(TINY, 8)
    assert {table for table in one if one[table] == other[table]} == {"assets"}


@pytest.mark.parametrize(
    ("change", "may_differ"),
    [
        ({"signals": 1_500}, {"signals"}),
        ({"alerts": 700}, {"alerts"}),
        ({"notes": 90}, {"research_notes"}),
        ({"audit": 900}, {"audit_log"}),
        ({"runs": 90}, {"strategy_runs"}),
        ({"transactions": 2_100}, {"transactions", "positions", "portfolios", "portfolio_data"}),
    ],
)
def test_one_table_does_not_shift_another(change: dict[str, int], may_differ: set[str]) -> None:
    """More rows in one table leave the bytes of every table that does not follow from it alone."""
    one, other = _digests(TINY, 7), _digests(msgspec.structs.replace(TINY, **change), 7)
    assert {table for table in one if one[table] != other[table]} == may_differ


def test_every_size_has_the_rows_it_says() -> None:
    """The smallest size has exactly the rows of its description, table by table."""
    rows: Counter[str] = Counter()
    for batch in batches(TINY, 7):
        assert {len(field) for field in batch.fields.values()} == {batch.rows}
        rows["market_data" if batch.table.startswith("market_data") else batch.table] += batch.rows
    assert rows["market_data"] == TINY.bars
    assert (rows["users"], rows["signals"], rows["alerts"]) == (TINY.users, TINY.signals, TINY.alerts)
    assert 0.98 * TINY.transactions <= rows["transactions"] <= TINY.transactions
    assert rows["portfolio_data"] == TINY.portfolios * (TINY.days * 3 + 1)
    assert expected_rows(TINY) == pytest.approx(sum(rows.values()), rel=0.1)


@pytest.mark.parametrize(
    ("name", "bars"), [("small", 2_016_000), ("medium", 20_016_000), ("large", 144_000_000)]
)
def test_sizes_are_what_they_promise(name: str, bars: int) -> None:
    """Small holds 2 million bars and half a million transactions, medium ten times the bars."""
    assert SIZES[name].bars == bars
    assert SIZES["small"].transactions == 500_000


def test_streams_differ_by_name_and_key() -> None:
    """Streams of other names, keys and seeds are other streams; the same one repeats."""
    drawn = {
        stream(*arguments).integers(2**60)
        for arguments in ((7, "a"), (8, "a"), (7, "b"), (7, "a", 1), (7, "a", 2))
    }
    assert len(drawn) == 5
    assert stream(7, "a", 1).integers(2**60) == stream(7, "a", 1).integers(2**60)


def test_zipf_weights_fall_and_add_up() -> None:
    """Rank 1 weighs twice rank 2 at exponent 1, and all weigh 1 together."""
    weights = zipf_weights(100, 1.0)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] == pytest.approx(2 * weights[1])
    assert (np.diff(weights) < 0).all()


def test_assets_are_distinct_and_known() -> None:
    """A hundred assets with symbols of their own; more are refused."""
    assert len({asset.symbol for asset in assets(100)}) == 100
    with pytest.raises(ValueError, match="only 100"):
        assets(101)


@pytest.mark.parametrize(
    ("price", "places"), [(61_000, 2), (2_900, 2), (148, 3), (12.4, 4), (1.5, 5), (0.06, 6)]
)
def test_prices_have_about_six_digits(price: float, places: int) -> None:
    """A price has about six significant digits, between two and six of them after the point."""
    assert price_decimals(price) == places


def test_bars_go_to_their_month() -> None:
    """A bar of the last microsecond of a month is in that month's partition (UTC)."""
    october = 1_790_812_800_000_000
    assert partition_name(october) == "market_data_2026_10"
    assert partition_name(october - 1) == "market_data_2026_09"


def _texts(field: Field) -> list[str]:
    ends = np.cumsum(field.lengths).tolist()
    data = field.data.tobytes()
    return [
        data[end - length : end].decode() for length, end in zip(field.lengths.tolist(), ends, strict=True)
    ]


@pytest.mark.parametrize("name", ["small", "medium", "large"])
def test_every_strategy_can_be_calculated(name: str) -> None:
    """The history of the size has the bars that its windows need, at its timeframe."""
    size = SIZES[name]
    (fields,) = strategies(size, 7, assets(size.assets))
    bars = {"5m": size.days * 288, "1h": size.days * 24, "1d": size.days}
    seen = set()
    for timeframe, document in zip(_texts(fields["timeframe"]), _texts(fields["parameters"]), strict=True):
        fast, slow = windows(msgspec.json.decode(document.removeprefix("\x01")))
        assert 0 < fast < slow <= bars[timeframe] - 2
        seen.add(timeframe)
    assert seen == set(bars)
