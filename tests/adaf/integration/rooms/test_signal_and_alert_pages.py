"""The pages of signals and of alerts: what they list, to whom, and how they filter."""

from __future__ import annotations

import re
from typing import Any

import pytest
from test_pages import page

from adaf.web.signals import TOGETHER

REFUSED = {
    "/signals/999999999": 404,
    "/signals/one": 404,
    "/signals?symbol=b%40d": 400,
    "/signals?direction=up": 400,
    "/signals?min_strength=2": 400,
    "/signals?strategy_id=x": 400,
    "/signals?cursor=zzz": 400,
    "/signals?tag=a&direction=buy": 400,
    "/alerts?symbol=b%40d": 400,
    "/alerts?unread=perhaps": 400,
    "/alerts?unread=true&symbol=BTC": 400,
    "/alerts?cursor=zzz": 400,
}
PANELS = {
    "/panels/signals/list?symbol=BTC&direction=buy": "/signals?symbol=BTC&direction=buy",
    "/panels/signals/list?direction=sell&min_strength=0.8": "/signals?direction=sell&min_strength=0.8",
    "/panels/alerts/list?unread=true": "/alerts?unread=true",
    "/panels/alerts/list?symbol=BTC": "/alerts?symbol=btc",
}


@pytest.fixture
async def trader(dashboard: Any, user: Any) -> int:
    number: int = await user("trader")
    return number


async def test_a_panel_alone_is_what_the_page_shows(dashboard, trader):
    """One template a panel; pages are small and the same twice."""
    for path, whole in PANELS.items():
        alone = (await page(dashboard, trader, path)).text
        first, second = [await page(dashboard, trader, whole) for _ in range(2)]
        assert alone.lstrip().startswith("<section")
        assert alone.strip() in first.text, path
        assert first.content == second.content
        assert len(first.content) < 60_000


async def test_an_address_that_makes_no_sense_is_told_in_a_sentence(dashboard, trader):
    """404 for what is not there, 400 with what is accepted for what is not understood."""
    for path, status in REFUSED.items():
        answer = await page(dashboard, trader, path, status)
        assert len(re.search(r'class="lead">([^<]+)<', answer.text)[1]) > 20, path


async def test_filters_that_do_not_go_together_are_told_at_the_form(dashboard, trader):
    """What was chosen stays in the form, and the sentence says what to change."""
    for query in ("min_strength=0.8", "min_strength=0.8&direction=buy&symbol=BTC"):
        text = (await page(dashboard, trader, f"/signals?{query}", 400)).text
        assert f'role="alert">{TOGETHER}' in text
        assert '<option value="0.8" selected>' in text
        await page(dashboard, trader, f"/panels/signals/list?{query}", 400)


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("", "true"),
        ("symbol=btc&direction=&min_strength=", "a.symbol = 'BTC'"),
        ("symbol=BTC&direction=sell", "a.symbol = 'BTC' AND g.direction = 'sell'"),
        ("direction=buy&min_strength=0.8", "g.direction = 'buy' AND g.strength >= 0.8"),
        ("tag=macro", 'g.payload @> \'{"tags": ["macro"]}\''),
        ("strategy_id=1", "g.strategy_id = 1"),
    ],
)
async def test_more_leads_to_every_signal_that_the_filter_names(dashboard, trader, query, condition):
    """Page by page: those of public and own strategies, newest first, each once."""
    seen: list[str] = []
    address = f"/panels/signals/list?{query}"
    while address:
        text = (await page(dashboard, trader, address)).text
        seen += re.findall(r'href="/signals/(\d+)"', text)
        more = re.search(r'data-panel="([^"]+)">More', text)
        address = more[1].replace("&amp;", "&") if more else ""
    rows = await dashboard.sql.fetch(
        "SELECT g.id FROM signals g JOIN strategies s ON s.id = g.strategy_id"
        " JOIN assets a ON a.id = g.asset_id"
        f" WHERE (s.is_public OR s.owner_id = $1) AND {condition} ORDER BY g.ts DESC, g.id DESC",
        trader,
    )
    assert seen == [str(row["id"]) for row in rows]
    assert seen


async def test_a_signal_shows_what_its_strategy_said(dashboard, trader):
    """Indicators, model and tags; a payload of another shape is no failure."""
    number = await dashboard.sql.fetchval(
        "SELECT min(g.id) FROM signals g JOIN strategies s ON s.id = g.strategy_id WHERE s.is_public"
    )
    assert "RSI" in (await page(dashboard, trader, f"/signals/{number}")).text
    await dashboard.sql.execute(
        """UPDATE signals SET payload = '{"indicators": [1], "tags": "<b>", "model": "<i>"}' WHERE id = $1""",
        number,
    )
    text = (await page(dashboard, trader, f"/signals/{number}")).text
    assert "None given" in text
    assert "&lt;i&gt;" in text
    await dashboard.sql.execute("UPDATE signals SET payload = '{}' WHERE id = $1", number)
    await page(dashboard, trader, f"/signals/{number}")
    await page(dashboard, trader, "/signals?symbol=BTC")


async def test_older_leads_to_every_alert_of_the_user(dashboard, trader):
    """All of one's own, newest first; nobody else's."""
    seen, address = 0, "/panels/alerts/list"
    while address:
        text = (await page(dashboard, trader, address)).text
        seen += text.count("<li>")
        older = re.search(r'data-panel="([^"]+)">Older', text)
        address = older[1].replace("&amp;", "&") if older else ""
    assert seen == await dashboard.sql.fetchval("SELECT count(*) FROM alerts WHERE user_id = $1", trader)


async def test_marking_as_read_leads_back_to_where_the_form_stood(dashboard, trader):
    """The page with the form again, never another site; the bell counts one less, and is gone at none."""
    unread = "SELECT count(*) FROM alerts WHERE user_id = $1 AND NOT is_read"
    before = await dashboard.sql.fetchval(unread, trader)
    text = (await page(dashboard, trader, "/alerts?unread=true")).text
    number = re.search(r'action="/alerts/(\d+)/read"><input type="hidden" name="next" value="([^"]+)"', text)
    assert number[2] == "/alerts?unread=true"
    headers = await dashboard.headers(trader)
    for back, to in {number[2]: number[2], "//evil.test": "/", "https://evil.test/": "/"}.items():
        answer = await dashboard.client.post(
            f"/alerts/{number[1]}/read", data={"next": back}, headers=headers
        )
        assert (answer.status_code, answer.headers["location"]) == (303, to)
    assert await dashboard.sql.fetchval(unread, trader) == before - 1
    assert f"{before - 1} unread alert" in (await page(dashboard, trader, "/panels/alerts/unread")).text
    await dashboard.sql.execute("UPDATE alerts SET is_read = true WHERE user_id = $1", trader)
    assert (await page(dashboard, trader, "/panels/alerts/unread")).text.strip() == ""
    assert "All read" in (await page(dashboard, trader, "/alerts?unread=true")).text
