"""Shares of the whole."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from adaf.overview.models import Slice
from adaf.overview.reads import allocate

money = st.decimals(0, 10**9, places=2)


def test_cash_is_a_part_of_the_whole() -> None:
    """Assets fold into categories, cash stands among both, the largest first."""
    result = allocate(
        [
            Slice("BTC", "Layer 1", Decimal("50.00")),
            Slice("ETH", "Layer 1", Decimal("30.00")),
            Slice("UNI", "DeFi", Decimal("10.00")),
        ],
        Decimal("10.00"),
    )
    assert [(share.name, share.ratio) for share in result.by_category] == [
        ("Layer 1", 0.8),
        ("Cash", 0.1),
        ("DeFi", 0.1),
    ]
    assert [share.name for share in result.by_asset] == ["BTC", "ETH", "Cash", "UNI"]


def test_nothing_has_no_shares() -> None:
    """With nothing at all every ratio is 0, not an error."""
    assert [share.ratio for share in allocate([], Decimal(0)).by_asset] == [0.0]


@given(st.lists(st.tuples(st.sampled_from("ABC"), money), max_size=20), money)
def test_shares_add_up(parts: list[tuple[str, Decimal]], cash: Decimal) -> None:
    """Both views hold all of the money, to the cent."""
    slices = [Slice(f"S{number}", category, value) for number, (category, value) in enumerate(parts)]
    result = allocate(slices, cash)
    whole = cash + sum((part.value for part in slices), Decimal(0))
    assert sum(share.value for share in result.by_asset) == whole
    assert sum(share.value for share in result.by_category) == whole
    if whole:
        assert abs(sum(share.ratio for share in result.by_category) - 1) < 1e-9
