"""What people do on the dashboard, with and without scripts, by mouse and by keyboard."""

from __future__ import annotations

import re

import pytest
from dashboard_site import EVIL, PASSWORDS
from playwright.sync_api import expect

UNREAD = """
SELECT count(*) FROM alerts a JOIN users u ON u.id = a.user_id
WHERE u.email = 'trader@adaf.test' AND NOT a.is_read
"""


def own_portfolio(site, role: str = "trader") -> int:
    query = "SELECT min(p.id) FROM portfolios p JOIN users u ON u.id = p.owner_id WHERE u.email = %s"
    return site.rows(query, f"{role}@adaf.test")[0][0]


def trade_count(site, portfolio: int) -> int:
    return site.rows("SELECT count(*) FROM transactions WHERE portfolio_id = %s", portfolio)[0][0]


def fill_trade(page, symbol: str, quantity: str, *, sell: bool = False, **fields: str) -> None:
    if sell:
        page.get_by_role("radio", name="Sell").check()
    page.locator("#symbol").fill(symbol)
    page.locator("#quantity").fill(quantity)
    for name, value in fields.items():
        page.locator(f"#{name}").fill(value)


def test_signing_in_by_keyboard_alone(visit):
    """The e-mail field has the focus, Tab and Enter do the rest; then the first Tab skips to the content."""
    seen = visit()
    page = seen.open("/portfolio")
    assert "/sign-in?next=%2Fportfolio" in page.url
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type("trader@adaf.test")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORDS.trader)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/portfolio$"))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    assert seen.problems == []


def test_the_order_of_the_focus_is_the_order_of_the_page(visit):
    """Skip link, brand, navigation, theme, sign-out, then the content; each stop has a name."""
    seen = visit()
    page = seen.sign_in()
    seen.settle()
    names = []
    for _ in range(15):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate("(document.activeElement.ariaLabel ?? document.activeElement.innerText).trim()")
        )
    assert names[:14] == [
        "Skip to the content",
        "ADAF",
        "Overview",
        "Market",
        "Portfolio",
        "Strategies",
        "Signals",
        "Alerts",
        "Reports",
        "Find anything",
        "Find",
        f"{seen.site.rows(UNREAD)[0][0]} unread alerts",
        "Dark theme",
        "Sign out",
    ]
    assert names[14] == "7 d"


def test_a_wrong_password_is_told_and_the_address_kept(visit):
    """The answer does not say which of the two was wrong."""
    page = visit().open("/sign-in")
    page.fill("#email", "trader@adaf.test")
    page.fill("#password", "wrong")
    page.press("#password", "Enter")
    expect(page.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")
    expect(page.locator("#email")).to_have_value("trader@adaf.test")
    expect(page.locator("#password")).to_be_focused()


def test_signing_out_ends_the_session(visit):
    """After sign-out the pages lead to the sign-in form, and the old cookie is worth nothing."""
    seen = visit()
    page = seen.sign_in()
    cookies = page.context.cookies()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.context.add_cookies(cookies)
    seen.open("/")
    assert "/sign-in" in page.url


@pytest.mark.parametrize("path", ["/", "/market", "/market/BTC"])
def test_a_page_says_who_is_signed_in(visit, path):
    """Also where the page itself is the same for everybody: the browser asks for the name there."""
    page = visit().sign_in(path=path)
    expect(page.locator(".who")).to_contain_text("Trader")


def test_the_session_cookie_is_out_of_reach_for_scripts(visit):
    """HttpOnly and SameSite."""
    page = visit().sign_in()
    cookie = next(cookie for cookie in page.context.cookies() if cookie["name"] == "adaf_session")
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert "adaf_session" not in page.evaluate("document.cookie")


def test_recording_a_trade_updates_the_page_in_place(visit, site):
    """With scripts: a notice, the new row, the changed position and cash, without leaving the page."""
    seen = visit()
    portfolio = own_portfolio(site)
    page = seen.sign_in(path=f"/portfolio/{portfolio}")
    before, cash = trade_count(site, portfolio), page.locator("dl.kpis dd").nth(3).inner_text()
    page.evaluate("window.stayed = true")
    fill_trade(page, "eth", "0.0125", note="by script")
    expect(page.locator("output")).to_contain_text("Cost before fee: about $")
    page.get_by_role("button", name="Record trade").click()
    expect(page.get_by_role("status").filter(has_text="Recorded: bought 0.0125 ETH")).to_be_visible()
    expect(page.locator("#transactions tbody tr").first).to_contain_text("by script")
    expect(page.locator("#positions-title")).to_be_visible()
    expect(page.locator("dl.kpis dd").nth(3)).not_to_have_text(cash)
    expect(page.locator("#quantity")).to_have_value("")
    assert page.evaluate("window.stayed")
    assert trade_count(site, portfolio) == before + 1
    assert seen.problems == []


def test_recording_a_trade_without_scripts(visit, site):
    """POST, redirect, GET: the notice, the new row marked, and reloading does not record it again."""
    seen = visit(java_script_enabled=False)
    portfolio = own_portfolio(site)
    page = seen.sign_in(path=f"/portfolio/{portfolio}")
    before = trade_count(site, portfolio)
    fill_trade(page, "BTC", "0.001", note="without script")
    page.get_by_role("button", name="Record trade").click()
    page.wait_for_url(f"**/portfolio/{portfolio}?recorded=*")
    expect(page.locator(".notice")).to_contain_text("Recorded: bought 0.001 BTC")
    expect(page.locator("tr.fresh")).to_contain_text("without script")
    page.reload()
    assert trade_count(site, portfolio) == before + 1


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize(
    ("symbol", "quantity", "field", "sentence"),
    [
        ("NOSUCH", "1", "symbol", "There is no asset with the symbol NOSUCH."),
        ("BTC", "many", "quantity", "Type a number above 0 with at most 8 decimals."),
        ("BTC", "999999", "quantity", "is available"),
    ],
)
def test_a_mistake_is_told_at_its_field(visit, site, scripts, symbol, quantity, field, sentence):
    """The sentence belongs to the field, what was typed stays, nothing is recorded."""
    seen = visit(java_script_enabled=scripts)
    portfolio = own_portfolio(site)
    page = seen.sign_in(path=f"/portfolio/{portfolio}")
    before = trade_count(site, portfolio)
    fill_trade(page, symbol, quantity, note="kept")
    page.get_by_role("button", name="Record trade").click()
    wrong = page.locator(f"#{field}")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(page.locator(f"#{wrong.get_attribute('aria-describedby')}")).to_contain_text(sentence)
    expect(page.locator("#note")).to_have_value("kept")
    if scripts:
        expect(wrong).to_be_focused()
    assert trade_count(site, portfolio) == before


def test_a_trade_that_is_sent_twice_is_recorded_once(visit, site):
    """The answer is lost, the person presses again: the form's own reference makes it one trade."""
    seen = visit()
    portfolio = own_portfolio(site)
    page = seen.sign_in(path=f"/portfolio/{portfolio}")
    before = trade_count(site, portfolio)
    lost = []

    def lose_first(route):
        if not lost:
            lost.append(route.fetch())
            route.abort()
        else:
            route.continue_()

    page.route("**/trade", lose_first)
    fill_trade(page, "BTC", "0.002")
    page.get_by_role("button", name="Record trade").click()
    expect(page.get_by_role("alert")).to_contain_text("recorded once")
    page.get_by_role("button", name="Record trade").click()
    expect(page.get_by_role("status").filter(has_text="Recorded")).to_be_visible()
    assert trade_count(site, portfolio) == before + 1


def test_each_trade_has_a_reference_of_its_own(visit, site):
    """After one trade the form is new: the same trade again is another trade."""
    seen = visit()
    portfolio = own_portfolio(site)
    page = seen.sign_in(path=f"/portfolio/{portfolio}")
    before = trade_count(site, portfolio)
    for count in (1, 2):
        fill_trade(page, "BTC", "0.003")
        page.get_by_role("button", name="Record trade").click()
        expect(page.locator("#quantity")).to_have_value("")
        assert trade_count(site, portfolio) == before + count


def test_a_viewer_sees_no_form_but_a_sentence(visit, site):
    """Who may not trade is told so."""
    page = visit().sign_in("viewer", f"/portfolio/{own_portfolio(site, 'viewer')}")
    expect(page.get_by_role("button", name="Record trade")).to_have_count(0)
    expect(page.get_by_text("You have the role viewer")).to_be_visible()


def test_hostile_names_are_shown_as_text(visit, site):
    """A portfolio, a note and a title that look like HTML are read as they were typed, in fragments too."""
    seen = visit()
    portfolio = own_portfolio(site, "operator")
    page = seen.sign_in("operator", f"/portfolio/{portfolio}")
    expect(page.get_by_role("heading", level=1)).to_have_text(EVIL)
    expect(page.locator("#transactions .note").first).to_have_text(EVIL)
    page.get_by_role("link", name="Buys").click()
    expect(page.get_by_role("link", name="Buys")).to_have_attribute("aria-current", "true")
    expect(page.locator("#transactions .note").first).to_have_text(EVIL)
    seen.open("/")
    seen.settle()
    seen.open("/market/BTC")
    seen.settle()
    assert page.locator('img[src="x"]').count() == 0
    assert seen.problems == []


def test_a_range_changes_the_curve_and_nothing_else(visit):
    """One request for the fragment, the address follows, the focus stays on the chosen range."""
    seen = visit()
    page = seen.sign_in()
    seen.settle()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("link", name="90 d").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="90 d")).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("link", name="90 d")).to_be_focused()
    page.wait_for_url("**/?days=90")
    seen.settle()
    assert [url for url in asked if "/static/" not in url] == [
        f"{seen.site.url}/panels/overview/performance?days=90"
    ]
    assert seen.problems == []


def test_a_curve_is_read_by_keyboard(visit):
    """Arrow keys walk over the days and say day and value; leaving the chart ends it."""
    seen = visit()
    page = seen.sign_in()
    seen.settle()
    chart = page.locator("line-chart")
    chart.focus()
    page.keyboard.press("End")
    last = chart.get_by_role("status").inner_text()
    assert re.search(r"\$[\d,]+\.\d\d\s+\d+ \w{3} \d{4}", last)
    page.keyboard.press("ArrowLeft")
    assert chart.get_by_role("status").inner_text() != last
    page.keyboard.press("Tab")
    expect(chart.locator(".readout")).to_be_hidden()


def test_positions_are_sorted_by_their_header(visit, site):
    """A header is a button; pressed, it sorts and says how."""
    page = visit().sign_in(path=f"/portfolio/{own_portfolio(site)}")
    table = page.get_by_role("table", name="Positions")
    table.get_by_role("button", name="Asset").press("Enter")
    symbols = table.locator("tbody .symbol").all_inner_texts()
    assert symbols == sorted(symbols)
    expect(table.get_by_role("columnheader", name="Asset")).to_have_attribute("aria-sort", "ascending")
    table.get_by_role("button", name="Quantity").click()
    amounts = [
        float(text.replace(",", "")) for text in table.locator("tbody td:nth-child(3)").all_inner_texts()
    ]
    assert amounts == sorted(amounts, reverse=True)


def test_the_market_is_filtered_while_typing(visit):
    """The list follows the letters, the address too, and the field keeps the focus."""
    seen = visit()
    page = seen.sign_in(path="/market")
    rows = page.locator("#assets tbody tr")
    everything = rows.count()
    page.locator("#search").press_sequentially("bitc")
    expect(rows).not_to_have_count(everything)
    expect(rows.first).to_contain_text("BTC")
    expect(page.locator("#search")).to_be_focused()
    page.wait_for_url("**/market?q=bitc")
    rows.first.get_by_role("link").click()
    page.wait_for_url("**/market/BTC")
    assert seen.problems == []


def test_older_transactions_come_in_place(visit, site):
    """Older, and back to the newest; the page's address names what is shown."""
    seen = visit()
    page = seen.sign_in(path=f"/portfolio/{own_portfolio(site)}")
    first = page.locator("#transactions tbody tr").first.inner_text()
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name="Newest")).to_be_visible()
    assert page.locator("#transactions tbody tr").first.inner_text() != first
    page.wait_for_url("**cursor=*")
    page.reload()
    page.get_by_role("link", name="Newest").click()
    expect(page.locator("#transactions tbody tr").first).to_contain_text(first.split("\t")[0])
    assert seen.problems == []


def test_candles_change_their_timeframe_and_reach_back(visit):
    """A timeframe loads its candles; dragging to the past asks the API for older ones."""
    seen = visit()
    page = seen.sign_in(path="/market/BTC")
    page.get_by_role("link", name="1m").click()
    expect(page.get_by_role("link", name="1m")).to_have_attribute("aria-current", "true")
    seen.settle()
    box = page.locator("candle-chart").bounding_box()
    with page.expect_request("**/api/market/candles/BTC?timeframe=1m&before=*") as older:
        page.mouse.move(box["x"] + 100, box["y"] + 100)
        page.mouse.down()
        page.mouse.move(box["x"] + 900, box["y"] + 100, steps=20)
        page.mouse.up()
    assert older.value.response().status == 200
    expect(page.get_by_role("link", name="TradingView, Inc.")).to_be_visible()
    assert seen.problems == []


def test_an_alert_is_marked_as_read(visit, site):
    """One press, and it is gone from the list."""
    seen = visit()
    page = seen.sign_in()
    panel = page.get_by_role("region", name="Unread alerts")
    before = int(panel.locator("header .tag").inner_text())
    panel.get_by_role("button").first.click()
    expect(panel.locator("header .tag")).to_have_text(str(before - 1))


def test_a_session_that_ended_leads_to_the_form(visit, site):
    """When a panel is refused, the page is loaded again, which leads to the sign-in form."""
    seen = visit()
    page = seen.sign_in()
    seen.settle()
    page.context.clear_cookies()
    page.get_by_role("link", name="7 d").click()
    page.wait_for_url("**/sign-in**")


def test_every_field_and_every_button_has_a_name(visit, site):
    """No control without a label, no image without a name, one heading of the first level, one main."""
    seen = visit()
    page = seen.sign_in()
    for path in ("/", "/market", "/market/BTC", f"/portfolio/{own_portfolio(site)}"):
        seen.open(path)
        seen.settle()
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('input:not([type=hidden]), select, button, a[href]')]
            .filter(e => e.checkVisibility() && !(e.labels?.length || e.ariaLabel || e.innerText.trim()))
            .map(e => e.outerHTML)"""
        )
        assert nameless == []
        assert page.locator("main").count() == page.locator("h1").count() == 1
        assert page.locator("svg:not([aria-hidden], svg svg)").count() == 0
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
        assert len(ids) == len(set(ids))
