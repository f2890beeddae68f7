"""Pages as HTML, on the real database: what they hold, what they weigh, and what they cost."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from adaf.timing import Spent, current

PAGES = ("/", "/market", "/market/BTC", "/portfolio")
PANELS = (
    "/panels/overview/totals",
    "/panels/overview/performance?days=7",
    "/panels/overview/allocation",
    "/panels/overview/movers",
    "/panels/overview/alerts",
    "/panels/overview/activity",
    "/panels/market/assets?q=bit",
    "/panels/market/BTC/candles?timeframe=5m",
    "/panels/market/BTC/quote",
    "/panels/portfolio/{portfolio}/totals",
    "/panels/portfolio/{portfolio}/performance?days=90",
    "/panels/portfolio/{portfolio}/positions",
    "/panels/portfolio/{portfolio}/allocation",
    "/panels/portfolio/{portfolio}/transactions?side=buy",
)
REFUSED = {
    "/nothing": 404,
    "/market/NOSUCH": 404,
    "/market/b@d": 400,
    "/market/BTC?timeframe=2h": 400,
    "/?days=0": 400,
    "/portfolio/999999999": 404,
    "/portfolio/{portfolio}?cursor=zzz": 400,
    "/panels/portfolio/{portfolio}/transactions?side=hold": 400,
}
# One of them finds the session.
MOST_QUERIES = {"/": 15, "/market": 5, "/market/BTC": 13, "/portfolio": 8}


@pytest.fixture
async def trader(dashboard, user) -> int:
    return await user("trader")


@pytest.fixture
async def portfolio(dashboard, trader) -> int:
    number: int = await dashboard.sql.fetchval("SELECT min(id) FROM portfolios WHERE owner_id = $1", trader)
    return number


async def page(dashboard: Any, user_id: int, path: str, status: int = 200) -> httpx.Response:
    headers = {**await dashboard.headers(user_id), "Accept": "text/html"}
    answer = await dashboard.client.get(path, headers=headers)
    assert answer.status_code == status, answer.text[:2000]
    return answer


async def test_a_page_is_small_and_has_its_own_title(dashboard, trader, portfolio):
    """HTML below 60 KB with the data of the first paint, one heading, and a title that names the page."""
    titles = set()
    for path in PAGES:
        answer = await page(dashboard, trader, path.format(portfolio=portfolio))
        assert len(answer.content) < 60_000
        titles.add(re.search(r"<title>([^<]+) · ADAF Dashboard</title>", answer.text)[1])
        assert answer.text.count("<h1") == 1
        assert 'href="#main"' in answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert len(titles) == len(PAGES)


async def test_a_page_costs_few_queries(dashboard, trader, portfolio):
    """The number of statements behind a page is bounded and does not grow with the rows on it."""
    await dashboard.headers(trader)
    for path in PAGES:
        spent = Spent()
        token = current.set(spent)
        await page(dashboard, trader, path.format(portfolio=portfolio))
        current.reset(token)
        assert 0 < spent.queries <= MOST_QUERIES[path], path


async def test_the_same_page_twice_is_the_same_bytes(dashboard, trader, portfolio):
    """Nothing random and no clock is in a page, so that it can be kept by its ETag."""
    for path in PAGES:
        address = path.format(portfolio=portfolio)
        first, second = [await page(dashboard, trader, address) for _ in range(2)]
        assert first.content == second.content


async def test_a_panel_alone_is_what_the_page_shows(dashboard, trader, portfolio):
    """One template a panel: the fragment is HTML without a frame, and stands in the page word for word."""
    for path in PANELS:
        address = path.format(portfolio=portfolio)
        fragment = (await page(dashboard, trader, address)).text
        assert fragment.lstrip().startswith(("<section", "<dl"))
        assert fragment.strip() in (await page(dashboard, trader, page_of(address))).text, path


def page_of(panel: str) -> str:
    """The page that shows a panel: `/panels/market/BTC/quote` stands on `/market/BTC`."""
    path, _, query = panel.removeprefix("/panels").partition("?")
    whole = "/" if path.startswith("/overview/") else path.rsplit("/", 1)[0]
    return f"{whole}?{query}" if query else whole


async def test_a_page_shows_what_the_database_holds(dashboard, trader, portfolio):
    """Figures on the page are those of the rows."""
    text = (await page(dashboard, trader, f"/portfolio/{portfolio}")).text
    row = await dashboard.sql.fetchrow(
        "SELECT p.name, p.cash, round(p.cash + sum(h.quantity * q.price::numeric), 2) AS value"
        " FROM portfolios p JOIN positions h ON h.portfolio_id = p.id JOIN quotes q USING (asset_id)"
        " WHERE p.id = $1 GROUP BY p.id",
        portfolio,
    )
    assert f"<h1>{row['name']}</h1>" in text
    assert f"${row['cash']:,.2f}" in text
    assert f"${row['value']:,.0f}"[:-3] in text


async def test_somebody_elses_portfolio_is_not_there(dashboard, trader, portfolio):
    """Page, panels and form answer 404 to another user, as for a portfolio that does not exist."""
    other = await dashboard.sql.fetchval("SELECT min(id) FROM portfolios WHERE owner_id <> $1", trader)
    for path in [f"/portfolio/{other}", *(p.format(portfolio=other) for p in PANELS if "portfolio" in p)]:
        assert "There is nothing here" in (await page(dashboard, trader, path, 404)).text
    answer = await dashboard.client.post(
        f"/portfolio/{other}/trade",
        data={"symbol": "BTC", "side": "buy", "quantity": "1"},
        headers=await dashboard.headers(trader),
    )
    assert answer.status_code == 404


async def test_a_viewer_may_not_post_the_form_that_they_do_not_see(dashboard, user):
    """The role is checked where the trade is recorded, not only where the form is drawn."""
    viewer = await user("viewer")
    own = await dashboard.sql.fetchval("SELECT min(id) FROM portfolios WHERE owner_id = $1", viewer)
    assert (
        '<form method="post" action="/portfolio'
        not in (await page(dashboard, viewer, f"/portfolio/{own}")).text
    )
    answer = await dashboard.client.post(
        f"/portfolio/{own}/trade",
        data={"symbol": "BTC", "side": "buy", "quantity": "1"},
        headers=await dashboard.headers(viewer),
    )
    assert answer.status_code == 403


async def test_pages_lead_to_older_transactions_and_back(dashboard, trader, portfolio):
    """Following "Older" to the end shows every transaction once, newest first."""
    seen: list[str] = []
    address = f"/panels/portfolio/{portfolio}/transactions"
    while address:
        text = (await page(dashboard, trader, address)).text
        seen += re.findall(r'<td class="nowrap muted"><time datetime="([^"]+)"', text)
        older = re.search(r'data-panel="([^"]+)">Older', text)
        address = older[1].replace("&amp;", "&") if older else ""
    total = await dashboard.sql.fetchval(
        "SELECT count(*) FROM transactions WHERE portfolio_id = $1", portfolio
    )
    assert len(seen) == total > 0
    assert seen == sorted(seen, reverse=True)


async def test_an_error_is_a_page_in_the_same_look(dashboard, trader, portfolio):
    """People see a page with a way out; the status is right for machines."""
    for path, status in REFUSED.items():
        answer = await page(dashboard, trader, path.format(portfolio=portfolio), status)
        assert answer.headers["content-type"].startswith("text/html")
        assert 'href="/">Go to the overview' in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


async def test_without_a_session_a_page_leads_to_the_form(anonymous):
    """Nobody sees a page before signing in; afterwards they are where they wanted to be."""
    answer = await anonymous.get("/portfolio/3?side=buy", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fportfolio%2F3%3Fside%3Dbuy"
    assert (
        await anonymous.get("/panels/overview/totals", headers={"Accept": "text/html"})
    ).status_code == 401


async def test_a_user_without_a_portfolio_is_told_so(dashboard):
    """Empty states are pages and not errors."""
    new = await dashboard.sql.fetchval(
        "INSERT INTO users (email, name, role) VALUES ('new@adaf.test', 'New Person', 'trader') RETURNING id"
    )
    for path in ("/", "/portfolio"):
        assert "No portfolio yet" in (await page(dashboard, new, path)).text
    assert "All read" in (await page(dashboard, new, "/panels/overview/alerts")).text


async def test_the_search_of_the_market_finds_by_symbol_and_by_name(dashboard, trader):
    """Letters of either, in either case; nothing found is said."""
    by_name = (await page(dashboard, trader, "/market?q=bitc")).text
    assert 'href="/market/BTC"' in by_name
    assert 'href="/market/ETH"' not in by_name
    assert 'href="/market/ETH"' in (await page(dashboard, trader, "/market?q=ETH")).text
    nothing = (await page(dashboard, trader, "/market?q=%3Cscript%3Eevil")).text
    assert "No asset matches" in nothing
    assert "&lt;script&gt;evil" in nothing
    assert "<script>evil" not in nothing
