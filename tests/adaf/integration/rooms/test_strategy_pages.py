"""The pages of strategies: the list, the comparison, one strategy, and the form that calculates it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from test_pages import page

PAGES = ("/strategies", "/strategies/compare?ids={public},{private}&days=90", "/strategies/{private}")
COMPARED_PAGE = "/strategies/compare?ids={public},{private}&days=30"
COMPARED_PANEL = "/panels" + COMPARED_PAGE
PANELS = {  # a panel: the page that shows it
    "/panels/strategies/leaderboard?days=90&order=sharpe": "/strategies?days=90&order=sharpe",
    "/panels/strategies/own": "/strategies",
    "/panels/strategies/list?kind=carry": "/strategies?kind=carry",
    COMPARED_PANEL: COMPARED_PAGE,
    "/panels/strategies/{private}/performance?days=30": "/strategies/{private}?days=30",
    "/panels/strategies/{private}/runs": "/strategies/{private}",
    "/panels/strategies/{private}/signals": "/strategies/{private}",
}
REFUSED = {
    "/strategies/999999999": 404,
    "/strategies/none": 404,
    "/strategies/0": 400,
    "/strategies?kind=luck": 400,
    "/strategies?order=luck": 400,
    "/strategies?days=0": 400,
    "/strategies?cursor=zzz": 400,
    "/strategies/compare?ids=1,two": 400,
    "/strategies/compare?ids=1,-2": 400,
    "/strategies/compare?ids=1,2,3,4,5,6,7,8,9": 400,
    "/strategies/compare?ids=999999999": 404,
    "/panels/strategies/{private}/runs?cursor=zzz": 400,
}


@pytest.fixture
async def known(dashboard: Any) -> dict[str, int]:
    """A trader with a private strategy that ran, that strategy, a public one, and another trader."""
    private, owner = await dashboard.sql.fetchrow(
        "SELECT s.id, s.owner_id FROM strategies s JOIN users u ON u.id = s.owner_id"
        " WHERE NOT s.is_public AND u.role = 'trader'"
        " ORDER BY EXISTS (SELECT FROM strategy_runs r WHERE r.strategy_id = s.id) DESC, s.id LIMIT 1"
    )
    public = await dashboard.sql.fetchval("SELECT min(id) FROM strategies WHERE is_public")
    other = await dashboard.sql.fetchval(
        "SELECT min(id) FROM users u WHERE role = 'trader'"
        " AND NOT EXISTS (SELECT FROM strategies s WHERE s.owner_id = u.id)"
    )
    return {"private": private, "owner": owner, "public": public, "other": other}


async def test_a_page_is_small_titled_and_the_same_twice(dashboard, known):
    """HTML below 60 KB, one heading, a title of its own, equal bytes for equal data."""
    titles = set()
    for path in PAGES:
        first, second = [await page(dashboard, known["owner"], path.format_map(known)) for _ in range(2)]
        assert first.content == second.content
        assert len(first.content) < 60_000
        assert first.text.count("<h1") == 1
        titles.add(re.search(r"<title>([^<]+) · ADAF Dashboard</title>", first.text)[1])
    assert len(titles) == len(PAGES)


async def test_a_panel_alone_is_what_the_page_shows(dashboard, known):
    """One template a panel: the fragment stands in the page word for word."""
    for path, whole in PANELS.items():
        alone = (await page(dashboard, known["owner"], path.format_map(known))).text
        assert alone.lstrip().startswith("<section")
        assert alone.strip() in (await page(dashboard, known["owner"], whole.format_map(known))).text, path


async def test_an_address_that_makes_no_sense_is_told_in_a_sentence(dashboard, known):
    """404 for what is not there, 400 with what is accepted for what is not understood."""
    for path, status in REFUSED.items():
        answer = await page(dashboard, known["owner"], path.format_map(known), status)
        assert 'href="/">Go to the overview' in answer.text, path
        assert len(re.search(r'class="lead">([^<]+)<', answer.text)[1]) > 20, path


async def test_a_private_strategy_is_on_its_owners_pages_alone(dashboard, known):
    """Others find it in no list and get 404 for its page, its panels, a comparison with it and a run."""
    row = await dashboard.sql.fetchrow("SELECT name FROM strategies WHERE id = $1", known["private"])
    assert row["name"] in (await page(dashboard, known["owner"], "/strategies")).text
    assert row["name"] not in (await page(dashboard, known["other"], "/strategies")).text
    assert row["name"] not in (await page(dashboard, known["other"], "/strategies/compare")).text
    for path in [*PANELS.values(), *PANELS]:
        if "{private}" in path:
            await page(dashboard, known["other"], path.format_map(known), 404)


async def test_the_best_are_ranked_by_what_was_asked_for(dashboard, known):
    """By return and by Sharpe ratio, recomputed from the daily returns."""
    for order, statement in {
        "return": "exp(sum(ln(greatest(1 + r.daily_return, 1e-9))))",
        "sharpe": "avg(r.daily_return) / nullif(stddev_samp(r.daily_return), 0)",
    }.items():
        rows = await dashboard.sql.fetch(
            "SELECT s.id FROM strategies s JOIN strategy_returns r ON r.strategy_id = s.id"
            " WHERE s.is_public AND r.day > (market_now() AT TIME ZONE 'UTC')::date - 30"
            f" GROUP BY s.id ORDER BY {statement} DESC NULLS LAST, s.id LIMIT 10"
        )
        text = (await page(dashboard, known["other"], f"/panels/strategies/leaderboard?order={order}")).text
        assert re.findall(r'href="/strategies/(\d+)"', text) == [str(row["id"]) for row in rows]


async def test_the_list_leads_to_every_public_strategy(dashboard, known):
    """Following "Earlier" to the end shows each once."""
    seen: list[str] = []
    address = "/panels/strategies/list"
    while address:
        text = (await page(dashboard, known["other"], address)).text
        seen += re.findall(r'href="/strategies/(\d+)"', text)
        older = re.search(r'data-panel="([^"]+)">Earlier', text)
        address = older[1].replace("&amp;", "&") if older else ""
    public = await dashboard.sql.fetch("SELECT id FROM strategies WHERE is_public")
    assert sorted(map(int, seen)) == sorted(row["id"] for row in public)


async def test_boxes_that_were_ticked_become_one_address(dashboard, known):
    """A form sends each number by itself; the answer is the address that names them all once."""
    query = f"ids={known['private']}&ids={known['public']},{known['private']}&days=30"
    answer = await page(dashboard, known["owner"], f"/strategies/compare?{query}", 303)
    assert answer.headers["location"] == (
        f"/strategies/compare?ids={known['private']},{known['public']}&days=30"
    )
    text = (await page(dashboard, known["owner"], answer.headers["location"])).text
    assert text.count('<polyline class="line') == 2
    assert text.count(">Remove</a>") == 2
    assert "Nothing chosen" in (await page(dashboard, known["owner"], "/strategies/compare")).text


async def test_a_run_without_scripts_leads_to_its_result(dashboard, known):
    """POST, redirect, GET: the run is recorded, shown with its figures, and marked in the list."""
    before = await dashboard.sql.fetchval("SELECT count(*) FROM strategy_runs")
    one = f"/strategies/{known['private']}"
    headers = {**await dashboard.headers(known["owner"]), "Accept": "text/html"}
    await dashboard.sql.execute("UPDATE strategies SET timeframe = '5m'")
    answer = await dashboard.client.post(f"{one}/runs", headers=headers)
    assert answer.status_code == 303
    assert re.fullmatch(rf"{one}\?run=\d+", answer.headers["location"])
    text = (await page(dashboard, known["owner"], answer.headers["location"])).text
    number = answer.headers["location"].rpartition("=")[2]
    assert f"Run {number} is done" in text
    assert '<tr class="fresh">' in text
    assert await dashboard.sql.fetchval("SELECT count(*) FROM strategy_runs") == before + 1
    inside = await dashboard.client.post(f"{one}/runs", headers={**headers, "Adaf-Panel": "run"})
    assert inside.status_code == 200
    assert inside.text.lstrip().startswith("<section")
    assert "is done" in inside.text


async def test_a_run_that_is_refused_says_why_beside_the_form(dashboard, known):
    """Too few candles (422, recorded as failed) and busy calculators (503), with and without scripts."""
    one = f"/strategies/{known['private']}/runs"
    headers = {**await dashboard.headers(known["owner"]), "Accept": "text/html"}
    await dashboard.sql.execute("UPDATE strategies SET timeframe = '1d', parameters = '{\"slow\": 400}'")
    for more in ({}, {"Adaf-Panel": "run"}):
        answer = await dashboard.client.post(one, headers=headers | more)
        assert answer.status_code == 422
        assert re.search(r'role="alert"[^>]*>A run needs 402 candles of 1d', answer.text)
    assert "Failed" in (await page(dashboard, known["owner"], f"/strategies/{known['private']}")).text
    dashboard.app.state.calculator._max_pending = 0
    for more in ({}, {"Adaf-Panel": "run"}):
        answer = await dashboard.client.post(one, headers=headers | more)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert re.search(r'role="alert"[^>]*>All calculators are busy', answer.text)


async def test_a_viewer_sees_no_form_and_may_not_send_it(dashboard, known, user):
    """The role is checked where the calculation is started, not only where the form is drawn."""
    viewer = await user("viewer")
    one = f"/strategies/{known['public']}"
    text = (await page(dashboard, viewer, one)).text
    assert f'action="{one}/runs"' not in text
    assert "You have the role viewer" in text
    answer = await dashboard.client.post(f"{one}/runs", headers=await dashboard.headers(viewer))
    assert answer.status_code == 403


async def test_a_strategy_without_history_has_a_page(dashboard, known):
    """No returns, no runs, no signals: each panel says so."""
    number = await dashboard.sql.fetchval(
        "INSERT INTO strategies"
        " (owner_id, asset_id, name, kind, timeframe, parameters, is_public, created_at, updated_at)"
        " VALUES ($1, 1, '<b>new</b>', 'carry', '1h', '{}', false, now(), now()) RETURNING id",
        known["owner"],
    )
    text = (await page(dashboard, known["owner"], f"/strategies/{number}")).text
    for sentence in ("No history yet", "No run yet", "No signals yet", "&lt;b&gt;new&lt;/b&gt;"):
        assert sentence in text
    compared = (await page(dashboard, known["owner"], f"/strategies/compare?ids={number}")).text
    assert "No history yet" in compared
