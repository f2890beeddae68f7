"""The page of search, its suggestions, and a research note's page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from test_pages import page

EVIL = '<img src=x onerror="alert(1)">'
REFUSED = {
    "/search?q=" + "x" * 201: 400,
    "/search?q=a&kind=people": 400,
    "/search?q=a%00b": 400,
    "/panels/search/suggestions?q=" + "x" * 201: 400,
    "/research/999999999": 404,
    "/research/first": 404,
}


@pytest.fixture
async def trader(dashboard: Any, user: Any) -> int:
    number: int = await user("trader")
    await dashboard.sql.execute(
        "INSERT INTO research_notes (asset_id, author_id, title, body, tags, published_at) VALUES"
        " (1, 1, 'Transport', 'A zeppelin was flying. Zeppelins landed, says <b>nobody</b>.', '{air}', now())"
    )
    await dashboard.sql.execute(
        "INSERT INTO portfolios (owner_id, name, cash, created_at) VALUES ($1, $2, 0, now())", number, EVIL
    )
    return number


async def test_results_are_grouped_and_lead_to_what_they_name(dashboard, trader):
    """Assets, strategies and research, each with a link; one kind alone shows no other."""
    symbol, name = await dashboard.sql.fetchrow("SELECT symbol, name FROM assets WHERE symbol = 'BTC'")
    everything = (await page(dashboard, trader, f"/search?q={symbol.lower()}")).text
    assert f'href="/market/{symbol}"' in everything
    assert f"<mark>{symbol}</mark>" in everything
    assert 'href="/strategies/' in everything
    assert 'href="/research/' in everything
    only = (await page(dashboard, trader, f"/search?q={symbol}&kind=assets")).text
    results = only[only.index('id="found-title"') :]
    assert f'href="/market/{symbol}"' in results
    assert 'href="/research/' not in results
    assert name in results


async def test_what_matched_is_marked_as_the_search_understood_it(dashboard, trader):
    """Forms of a word are one word to full-text search; what a note holds is shown as text."""
    text = (await page(dashboard, trader, "/search?q=zeppelin&kind=notes")).text
    assert "<mark>zeppelin</mark> was flying" in text
    assert "<mark>Zeppelins</mark> landed" in text
    assert "<b>" not in text
    found = (await dashboard.get(trader, "/api/search", q="zeppelin", kind="notes"))["notes"][0]
    assert found["matched"] == ["Zeppelins", "zeppelin"]
    assert found["excerpt"].isprintable()


async def test_hostile_words_are_text_everywhere(dashboard, trader):
    """In the query, in a name, and in a suggestion."""
    for path in ("/search", "/panels/search/results", "/panels/search/suggestions"):
        headers = {**await dashboard.headers(trader), "Accept": "text/html"}
        answer = await dashboard.client.get(path, params={"q": EVIL}, headers=headers)
        assert answer.status_code == 200
        assert "<img" not in answer.text, path
        assert "onerror" in answer.text, path


async def test_a_panel_alone_is_what_the_page_shows(dashboard, trader):
    """Also for nothing found and for nothing asked."""
    for query, sentence in {
        "?q=btc&kind=strategies": "Strategies",
        "?q=nosuchthing": "Nothing found",
        "?q=+": "What are you looking for?",
        "": "What are you looking for?",
    }.items():
        alone = (await page(dashboard, trader, f"/panels/search/results{query}")).text
        whole = (await page(dashboard, trader, f"/search{query}")).text
        assert alone.strip() in whole
        assert sentence in alone
        assert len(whole) < 60_000


async def test_suggestions_are_options_with_an_address(dashboard, trader):
    """Numbered in their order, a few of each kind; none for nothing."""
    text = (await page(dashboard, trader, "/panels/search/suggestions?q=btc")).text
    numbers = re.findall(r'<li role="option" id="suggestion-(\d+)"', text)
    assert numbers == [str(place + 1) for place in range(len(numbers))]
    assert 2 <= len(numbers) <= 12
    for address in re.findall(r'data-href="([^"]+)"', text):
        await page(dashboard, trader, address)
    assert (await page(dashboard, trader, "/panels/search/suggestions?q=")).text.strip() == ""


async def test_an_address_that_makes_no_sense_is_told_in_a_sentence(dashboard, trader):
    """404 for what is not there, 400 with what is accepted for what is not understood."""
    for path, status in REFUSED.items():
        answer = await page(dashboard, trader, path, status)
        assert len(re.search(r'class="lead">([^<]+)<', answer.text)[1]) > 20, path


async def test_what_others_own_is_not_found(dashboard, trader):
    """Portfolios and private strategies of others are in no result and in no suggestion."""
    other = await dashboard.sql.fetchval(
        "SELECT min(id) FROM users WHERE role = 'trader' AND id <> $1", trader
    )
    await dashboard.sql.execute(
        "INSERT INTO strategies"
        " (owner_id, asset_id, name, kind, timeframe, parameters, is_public, created_at, updated_at)"
        " VALUES ($1, 1, 'Xylophone plan', 'carry', '1h', '{}', false, now(), now())",
        other,
    )
    for path in ("/search?q=xylophone", "/panels/search/suggestions?q=xylophone"):
        assert "Xylophone" in (await page(dashboard, other, path)).text
        assert "Xylophone" not in (await page(dashboard, trader, path)).text


async def test_a_note_has_a_page_with_others_about_its_asset(dashboard, trader):
    """Title, author, body and tags as text; the same bytes for every user."""
    number = await dashboard.sql.fetchval("SELECT max(id) FROM research_notes")
    first = await page(dashboard, trader, f"/research/{number}")
    assert "<h1>Transport</h1>" in first.text
    assert "&lt;b&gt;nobody&lt;/b&gt;" in first.text
    assert f'href="/research/{number}"' not in first.text
    assert (await page(dashboard, 1, f"/research/{number}")).content == first.content
