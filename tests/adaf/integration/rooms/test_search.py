"""Search and research notes: what is found, in which order, and by whom."""

from __future__ import annotations

from typing import Any

import pytest

from pack2.cache import Cache


async def test_an_asset_by_symbol_prefix_and_slip(dashboard: Any) -> None:
    """An asset is found by its symbol, by the beginning of its name, and with a slip of the pen."""
    for text in ("btc", "BTC", " Bitc", "bitcoin", "bitcion"):
        found = (await dashboard.get(1, "/api/search", q=text, kind="assets"))["assets"]
        assert found[0]["symbol"] == "BTC", text


async def test_the_exact_symbol_comes_first(dashboard: Any) -> None:
    """Whatever else resembles the text, the asset with that very symbol is on top."""
    await dashboard.sql.execute(
        "INSERT INTO assets (symbol, name, category, description, listed_at)"
        " VALUES ('ETHX', 'eth', 'DeFi', '', now())"
    )
    found = (await dashboard.get(1, "/api/search", q="eth", kind="assets"))["assets"]
    assert found[0]["symbol"] == "ETH"
    assert "ETHX" in {asset["symbol"] for asset in found}


async def test_notes_by_words(dashboard: Any) -> None:
    """Notes are found by stemmed words of title or body, the best first, with the passage that matched."""
    await dashboard.sql.execute(
        "INSERT INTO research_notes (asset_id, author_id, title, body, tags, published_at) VALUES"
        " (1, 1, 'Zeppelins fly', 'Nothing else is known.', '{}', now()),"
        " (1, 1, 'Transport', 'A zeppelin was flying. The zeppelin landed. Zeppelins!', '{}', now()),"
        " (1, 1, 'Trains', 'A train was late.', '{}', now())"
    )
    found = (await dashboard.get(1, "/api/search", q="zeppelin", kind="notes"))["notes"]
    assert {note["title"] for note in found} == {"Zeppelins fly", "Transport"}
    assert found[0]["title"] == "Transport"
    assert "zeppelin" in found[0]["excerpt"]
    both = (await dashboard.get(1, "/api/search", q='zeppelin -"zeppelin landed"', kind="notes"))["notes"]
    assert [note["title"] for note in both] == ["Zeppelins fly"]


async def test_portfolios_and_private_strategies_are_their_owners(dashboard: Any) -> None:
    """A user finds their own portfolios and strategies by a part of the name; nobody else does."""
    await dashboard.sql.execute(
        "INSERT INTO portfolios (owner_id, name, cash, created_at) VALUES (2, 'Secret 100% chest', 0, now())"
    )
    await dashboard.sql.execute(
        "INSERT INTO strategies"
        " (owner_id, asset_id, name, kind, timeframe, parameters, is_public, created_at, updated_at)"
        " VALUES (2, 1, 'Secret 100% plan', 'carry', '1h', '{}', false, now(), now())"
    )
    mine = await dashboard.get(2, "/api/search", q="100%")
    assert [found["name"] for found in mine["portfolios"]] == ["Secret 100% chest"]
    assert [(found["name"], found["is_own"]) for found in mine["strategies"]] == [("Secret 100% plan", True)]
    others = await dashboard.get(3, "/api/search", q="Secret")
    assert others["portfolios"] == others["strategies"] == []


async def test_notes_are_looked_for_once_for_all(dashboard: Any) -> None:
    """With a cache two users' searches ask the database for the notes once, until a note changes."""
    add = (
        "INSERT INTO research_notes (asset_id, author_id, title, body, tags, published_at)"
        " VALUES (1, 1, $1, 'A zeppelin.', '{}', now())"
    )
    await dashboard.sql.execute(add, "First")

    async def titles(user_id: int, **query: Any) -> list[str]:
        found = await dashboard.get(user_id, "/api/search", q="zeppelin", **query)
        return [note["title"] for note in found["notes"]]

    async with Cache() as cache:
        dashboard.db.cache = cache
        assert await titles(1) == ["First"]
        await dashboard.sql.execute(add, "Second")
        assert await titles(2) == ["First"]
        assert len(await titles(2, limit=5)) == 2, "another question"
        await cache.expire("research")
        assert set(await titles(2)) == {"First", "Second"}


SIGNS_ARE_TAKEN_LITERALLY: list[Any] = [
    "%",
    "_",
    "\\",
    "100%_",
    "'; DROP TABLE users --",
    "a & | !",
    "日本",
    "((",
    '"',
]


async def test_signs_are_taken_literally(dashboard: Any) -> None:
    """No sign is a wildcard, an operator or an error."""
    for text in SIGNS_ARE_TAKEN_LITERALLY:
        found = await dashboard.get(1, "/api/search", q=text)
        assert found["portfolios"] == found["strategies"] == found["assets"] == []


@pytest.mark.parametrize("kind", ["notes", "assets", "portfolios", "strategies"])
async def test_one_kind_alone(dashboard: Any, kind: str) -> None:
    """With a kind only that one is searched."""
    found = await dashboard.get(2, "/api/search", q="a", kind=kind)
    assert all(found[other] == [] for other in found if other != kind)


BAD_SEARCHES: list[Any] = [
    {},
    {"q": ""},
    {"q": "   "},
    {"q": "x" * 201},
    {"q": "a", "kind": "people"},
    {"q": "a", "limit": 51},
    {"q": "a\x00b"},
]


async def test_bad_searches(dashboard: Any) -> None:
    """A search without text, or with too much of it, is a 400 with a sentence."""
    for parameters in BAD_SEARCHES:
        await dashboard.get(1, "/api/search", 400, **parameters)


@pytest.mark.parametrize("filters", [{}, {"symbol": "ETH"}, {"tag": "macro"}, {"author_id": True}])
@pytest.mark.parametrize("limit", [3, 200])
async def test_pages_of_research(dashboard: Any, filters: dict[str, Any], limit: int) -> None:
    """The pages of any filter together are the matching notes, newest first."""
    await dashboard.sql.execute("UPDATE research_notes SET published_at = date_trunc('week', published_at)")
    rows = await dashboard.sql.fetch(
        "SELECT n.id, a.symbol, n.tags, n.author_id FROM research_notes n JOIN assets a ON a.id = n.asset_id"
        " ORDER BY n.published_at DESC, n.id DESC"
    )
    if "author_id" in filters:
        filters = {"author_id": rows[0]["author_id"]}
    expected = [
        row["id"]
        for row in rows
        if filters.get("symbol", row["symbol"]) == row["symbol"]
        and ("tag" not in filters or filters["tag"] in row["tags"])
        and filters.get("author_id", row["author_id"]) == row["author_id"]
    ]
    items = await dashboard.every_item(1, "/api/research", limit, **filters)
    assert [item["id"] for item in items] == expected
    assert expected


async def test_one_note(dashboard: Any) -> None:
    """A note is read by its number; one that is not there is a 404."""
    first = (await dashboard.get(1, "/api/research", limit=1))["items"][0]
    assert await dashboard.get(1, f"/api/research/{first['id']}") == first
    await dashboard.get(1, "/api/research/999999999", 404)


BAD_RESEARCH_FILTERS: list[Any] = [
    {"symbol": "ETH", "tag": "macro"},
    {"symbol": "eth"},
    {"author_id": 0},
    {"cursor": "a"},
]


async def test_bad_research_filters(dashboard: Any) -> None:
    """Two filters at once, or one out of range, are a 400 with a sentence."""
    for parameters in BAD_RESEARCH_FILTERS:
        await dashboard.get(1, "/api/research", 400, **parameters)
