"""A page that is left open: prices, trades, panels and its end, in a real browser."""

from __future__ import annotations

import os
from contextlib import closing
from time import monotonic

import psycopg
import pytest
from dashboard_site import Site, Visit, until
from playwright.sync_api import expect

from adaf.market.feed import feed

CELL = '[data-quote="BTC"] [data-live="price"]'
PRICE = "UPDATE quotes SET price = %s WHERE asset_id = (SELECT id FROM assets WHERE symbol = 'BTC')"
OWN_PORTFOLIO = """
SELECT min(p.id) FROM portfolios p JOIN users u ON u.id = p.owner_id WHERE u.email = 'trader@adaf.test'
"""
TRADE = """
INSERT INTO transactions (portfolio_id, asset_id, side, quantity, price, fee, executed_at, note)
VALUES (%s, 1, 'buy', 5, 7, 1, market_now(), %s)
"""
LAST_CANDLE = """() => {
  const [time, , , , close] = document.querySelector("candle-chart").rows.at(-1);
  return [time, close];
}"""
WORDS = """async (source) => {
  const words = (root) => [...root.querySelectorAll("[data-live]")].map((place) => place.textContent);
  const text = await (await fetch(source)).text();
  return [words(document), words(new DOMParser().parseFromString(text, "text/html"))];
}"""
NEXT_CANDLE = """(time) => new Promise((found) => {
  const chart = document.querySelector("candle-chart");
  const look = () => (chart.rows.at(-1)[0] > time ? found(true) : setTimeout(look, 10));
  look();
  setTimeout(found, 10_000, false);
})"""
HIDE = """(is_hidden) => {
  Object.defineProperty(document, "hidden", { value: is_hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
CUT = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE application_name = 'adaf live' AND datname = current_database()
"""
# evaluate() and not wait_for_function(), which polls once a frame: the page itself says when the text came.
APPEARS = """([selector, text]) => new Promise((found) => {
  const places = () => [...document.querySelectorAll(selector)];
  const look = () => places().some((place) => place.textContent.includes(text));
  const watch = new MutationObserver(() => look() && (watch.disconnect(), found(true)));
  watch.observe(document.body, { childList: true, characterData: true, subtree: true });
  if (look()) found(true);
  setTimeout(found, 10_000, false);
})"""


@pytest.fixture
def seen(visit, live_site: Site) -> Visit:
    """A visit to the dashboard whose database tells of its changes."""
    made: Visit = visit()
    made.site = live_site
    return made


def is_live(seen: Visit) -> None:
    seen.page.locator('live-updates[data-state="live"]').wait_for(state="attached")


def appears(seen: Visit, selector: str, text: str, statements: list[tuple[str, tuple[object, ...]]]) -> float:
    """Commit `statements` in one transaction; the seconds from the commit until the page shows `text`."""
    with psycopg.connect(seen.site.database_url) as connection:
        for statement, values in statements:
            connection.execute(statement, values)
        connection.commit()
        committed = monotonic()
        assert seen.page.evaluate(APPEARS, [selector, text]), f"{text} never appeared"
        return monotonic() - committed


def price(value: float) -> list[tuple[str, tuple[object, ...]]]:
    return [(PRICE, (value,)), ("SELECT pg_notify('pack2', %s)", ("bars\nquotes",))]


@pytest.mark.alone
@pytest.mark.parametrize("path", ["/market", "/market/BTC"])
def test_an_open_page_shows_a_new_price_within_a_second_of_its_commit(seen: Visit, path: str) -> None:
    """The cell changes in place, in the words of the template: nothing is loaded again for it."""
    page = seen.sign_in(path=path)
    is_live(seen)
    page.evaluate("document.querySelector('main').kept = true")
    took = [appears(seen, CELL, f"$7{n},001.00", price(70001 + 1000 * n)) for n in range(5)]
    print(f"{path}: price after {[round(seconds, 3) for seconds in took]} s")
    assert max(took) < 1
    assert page.evaluate("document.querySelector('main').kept")
    assert seen.problems == []


@pytest.mark.alone
def test_an_open_page_shows_a_committed_trade_within_half_a_second(seen: Visit) -> None:
    """The panels of the portfolio ask for themselves again; the page stays."""
    portfolio = seen.site.rows(OWN_PORTFOLIO)[0][0]
    seen.sign_in(path=f"/portfolio/{portfolio}")
    is_live(seen)
    took = [
        appears(seen, "#transactions td.note", f"seen live {n}", [(TRADE, (portfolio, f"seen live {n}"))])
        for n in range(5)
    ]
    print(f"trade after {[round(seconds, 3) for seconds in took]} s")
    assert max(took) < 0.5
    assert seen.problems == []


@pytest.mark.alone
def test_the_last_candle_goes_with_the_price(seen: Visit) -> None:
    """A minute of the feed reaches the chart and the quote beside it before any refresh of their panels."""
    page = seen.sign_in(path="/market/ETH?timeframe=1m")
    seen.settle()
    is_live(seen)
    before = page.evaluate(LAST_CANDLE)
    with closing(feed(seen.site.database_url, speed=60, most_minutes=1)) as minute:
        next(minute)
        committed = monotonic()
    assert page.evaluate(NEXT_CANDLE, before[0])
    took = monotonic() - committed
    query = "SELECT price FROM quotes q JOIN assets a ON a.id = q.asset_id WHERE symbol = 'ETH'"
    shown, rendered = page.evaluate(WORDS, "/panels/market/ETH/quote")
    assert len(shown) == 5
    assert shown == rendered
    assert page.evaluate(LAST_CANDLE) == [before[0] + 60, pytest.approx(seen.site.rows(query)[0][0])]
    assert took < 1
    assert seen.problems == []


def test_a_page_that_was_out_of_sight_shows_what_it_missed(seen: Visit) -> None:
    """It holds no stream meanwhile, and asks for what expired since when it is looked at again."""
    portfolio = seen.site.rows(OWN_PORTFOLIO)[0][0]
    page = seen.sign_in(path=f"/portfolio/{portfolio}")
    is_live(seen)
    page.evaluate(HIDE, True)
    page.locator('live-updates[data-state="lost"]').wait_for(state="attached")
    other = page.context.new_page()
    other.goto(page.url)
    other.locator('live-updates[data-state="live"]').wait_for(state="attached")
    with psycopg.connect(seen.site.database_url, autocommit=True) as connection:
        connection.execute(TRADE, (portfolio, "while away"))
    assert other.evaluate(APPEARS, ["#transactions td.note", "while away"])
    assert page.locator("#transactions td.note", has_text="while away").count() == 0
    page.evaluate(HIDE, False)
    assert page.evaluate(APPEARS, ["#transactions td.note", "while away"])
    assert seen.problems == []


def test_what_the_server_itself_did_not_hear_is_shown_too(seen: Visit) -> None:
    """Its connection is cut, a trade is recorded before it listens again: the page asks for everything."""
    portfolio = seen.site.rows(OWN_PORTFOLIO)[0][0]
    seen.sign_in(path=f"/portfolio/{portfolio}")
    is_live(seen)
    trade = (TRADE, (portfolio, "not heard"))
    appears(seen, "#transactions td.note", "not heard", [(CUT, ()), trade])
    assert seen.problems == []


def test_a_page_without_its_stream_says_so_until_it_is_back(seen: Visit) -> None:
    """Old prices are not taken for live ones, and the page connects again by itself."""
    page = seen.sign_in(path="/market")
    is_live(seen)
    page.route("**/api/live*", lambda route: route.abort())
    for is_hidden in (True, False):
        page.evaluate(HIDE, is_hidden)
    notice = page.locator("live-updates", has_text="Not live at the moment")
    notice.wait_for()
    if folder := os.environ.get("ADAF_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/not-live.png")
    page.unroute("**/api/live*")
    notice.wait_for(state="detached")
    is_live(seen)
    appears(seen, CELL, "$91,234.00", price(91234))
    assert all("ERR_FAILED" in problem or "/api/live" in problem for problem in seen.problems)


def test_signing_out_in_one_tab_ends_the_others(seen: Visit) -> None:
    """The page that stays open elsewhere goes to the form, and shows nothing of the account any more."""
    page = seen.sign_in(path="/market")
    is_live(seen)
    other = page.context.new_page()
    other.goto(seen.site.url + "/market")
    other.get_by_role("button", name="Sign out").click()
    other.wait_for_url("**/sign-in")
    page.wait_for_url("**/sign-in?next=*")
    assert seen.problems == []


def test_a_panel_keeps_its_order_while_prices_move(seen: Visit) -> None:
    """Positions that a person sorted stay sorted when the panel comes again."""
    portfolio = seen.site.rows(OWN_PORTFOLIO)[0][0]
    page = seen.sign_in(path=f"/portfolio/{portfolio}")
    is_live(seen)
    header = page.locator("th", has=page.get_by_role("button", name="Asset"))
    page.get_by_role("button", name="Asset").click()
    expect(header).to_have_attribute("aria-sort", "ascending")
    page.evaluate("document.querySelector('#positions-title').old = true")
    appears(seen, ".panel td", "$81,234.00", price(81234))
    until(page, "!document.querySelector('#positions-title').old")
    expect(header).to_have_attribute("aria-sort", "ascending")
    names = page.locator("section[aria-labelledby=positions-title] tbody a.symbol").all_inner_texts()
    assert seen.problems == []
    assert len(names) > 1
    assert names == sorted(names)
