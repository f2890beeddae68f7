"""The browser's own cache in a real Chromium, before the dashboard with Pack 2, PostgreSQL and Valkey."""

from __future__ import annotations

import contextlib
import re
import secrets
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from browser_site import (
    FROM_WORKER,
    MAX_PAGES,
    Pack2Site,
    Person,
    controlled,
    painted_by_worker,
    warm,
)
from dashboard_site import MODULES_RAN, until
from playwright.sync_api import Browser, Error, Page

CSS = (resources.files("adaf.web") / "static" / "adaf.css").read_text()
LOOKS = """[...document.querySelectorAll("body *")].filter((one) => one.checkVisibility()).map((one) => {
  const { x, y, width, height } = one.getBoundingClientRect();
  const { color, backgroundColor, borderColor, font, display, opacity } = getComputedStyle(one);
  const look = [x, y, width, height, color, backgroundColor, borderColor, font, display, opacity];
  return [one.outerHTML.slice(0, 60), ...look];
})"""


@pytest.mark.parametrize(
    "path", [*(pytest.param(path, marks=pytest.mark.deep) for path in ("/", "/market")), "/portfolio"]
)
def test_a_repeat_load_is_painted_by_the_worker(person: Person, path: str) -> None:
    """In a new tab too; and nothing was written to the disk for it."""
    page = person.enter()
    warm(page, person.site.url + path)
    again = person.tab()
    warm(again, person.site.url + path)
    assert again.evaluate("caches.keys()") == []
    assert again.evaluate("indexedDB.databases()") == []


def test_a_held_page_has_its_style_sheet_inside(kept: Page) -> None:
    """It looks the same, under a policy that names the sheet by its digest, and asks for no sheet."""
    asked: list[str] = []
    kept.on("request", lambda request: asked.append(request.url.rsplit("/", 1)[1]))
    refused: list[str] = []
    kept.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    look = "getComputedStyle(document.querySelector('header.bar')).borderBottomColor"
    kept.reload()
    before = kept.evaluate(look)
    assert "adaf.css" in asked
    warm(kept, kept.url)
    asked.clear()
    assert painted_by_worker(kept, kept.url)
    assert kept.evaluate(look) == before
    assert kept.evaluate("document.querySelector('style').sheet.cssRules.length") > 50
    until(kept, MODULES_RAN)
    until(kept, "document.querySelectorAll('head style').length === 2")
    assert "panel.js" in asked
    assert "adaf.css" not in asked
    assert refused == []


def test_a_held_page_is_painted_in_two_parts(kept: Page, person: Person, secret: str) -> None:
    """At its first paint it ends after its first part; then the rest is there, as the server wrote it."""
    ends = "document.querySelector('.foot') !== null"
    tab = person.tab()
    tab.add_init_script(
        f"new PerformanceObserver(() => {{ window.wasWhole ??= {ends}; }}).observe({{ type: 'paint' }});"
    )
    assert painted_by_worker(tab, person.site.url + "/portfolio")
    until(tab, ends)
    assert tab.evaluate("window.wasWhole") is False
    assert secret in tab.inner_text("main")
    ids = "[...document.querySelectorAll('[id], adaf-panel')].map((one) => one.id + one.getAttribute('src'))"
    held = tab.evaluate(ids)
    tab.reload()
    assert tab.evaluate(ids) == held


def test_the_server_is_asked_after_the_paint(kept: Page, person: Person) -> None:
    """Asking would take processor and network from it."""
    worker = person.context.service_workers[0]
    worker.evaluate(
        """() => {
          const asking = ask;
          globalThis.waiting = [];
          ask = (address) => { waiting.push(painting.size); return asking(address); };
        }"""
    )
    tab = person.tab()
    assert painted_by_worker(tab, person.site.url + "/portfolio")
    for _ in range(500):
        if waiting := worker.evaluate("waiting"):
            break
        tab.wait_for_timeout(20)
    assert waiting == [0]


@pytest.mark.parametrize("width", [1280, 800, 390])
def test_the_first_part_of_the_sheet_is_enough_for_the_first_part_of_a_page(
    person: Person, width: int
) -> None:
    """Each element stands where it will, and looks as it will, before the other rules come."""
    person.become("trader")
    page = person.tab()
    page.set_viewport_size({"width": width, "height": 900})
    first, rest = CSS.split("/* pack2:first")
    for path in ("/", "/market", "/portfolio"):
        html = person.context.request.get(person.site.url + path).text()
        part = re.sub("<link .*?>", "", html.split("<!-- pack2:first -->")[0])
        looks = []
        for sheet in (first, f"{first}/* {rest}"):
            page.set_content(f"{part}<style hidden>{sheet}</style>")
            looks.append(page.evaluate(LOOKS))
        assert len(looks[0]) > 40
        assert looks[0] == looks[1], path


def test_the_rest_of_a_page_follows_without_a_paint(kept: Page, person: Person) -> None:
    """A tab that is hidden paints nothing, and an older browser tells nothing of it."""
    tab = person.tab()
    tab.add_init_script("window.PerformanceObserver = class { observe() {} };")
    assert painted_by_worker(tab, person.site.url + "/portfolio")
    until(tab, "document.querySelector('.foot') !== null")


def test_after_a_trade_no_older_page_is_shown(kept: Page, person: Person, secret: str) -> None:
    """Neither the next load nor going back in the history paints what was before the own write."""
    address = kept.url
    note = f"note {secrets.token_hex(4)}"
    old = kept.inner_text("#transactions")
    kept.goto(person.site.url + "/market")
    warm(kept, address)
    kept.fill("trade-form [name=quantity]", "3")
    kept.fill(
        "trade-form [name=symbol]",
        kept.locator("trade-form datalist option").first.get_attribute("value") or "",
    )
    if kept.locator("trade-form [name=note]").count():
        kept.fill("trade-form [name=note]", note)
    kept.locator("trade-form button[type=submit]").click()
    kept.locator("trade-form [role=status]").wait_for()
    other = person.tab()
    assert not painted_by_worker(other, address)
    now = other.inner_text("#transactions")
    assert now != old
    kept.goto(person.site.url + "/market")
    kept.go_back(wait_until="commit")
    until(kept, "document.readyState === 'complete'")
    assert kept.inner_text("#transactions") == now
    kept.goto(person.site.url + "/market")
    warm(kept, address)
    assert kept.inner_text("#transactions") == now


def test_a_page_that_is_newer_on_the_server_is_renewed(kept: Page, person: Person, secret: str) -> None:
    """It was changed elsewhere while no page was open: painted as it was, then as it is."""
    address = kept.url
    kept.goto("about:blank")
    person.site.execute("UPDATE portfolios SET name = 'Renamed elsewhere' WHERE name = %s", secret)
    person.site.settle()
    loads: list[str] = []
    kept.on("load", lambda page: loads.append(page.url))
    assert painted_by_worker(kept, address)
    kept.get_by_role("heading", name="Renamed elsewhere").wait_for()
    assert secret not in kept.inner_text("main")
    until(kept, "document.title.startsWith('Renamed elsewhere')")
    assert loads == [address]


def test_expired_tags_are_not_painted_again(kept: Page, person: Person) -> None:
    """The live stream's event reaches the worker: what has the tag goes, what has not stays."""
    form = kept.locator("trade-form form").get_attribute("action") or ""
    number = form.split("/")[2]
    address = f"{person.site.url}/portfolio/{number}"
    warm(kept, address)
    warm(kept, person.site.url + "/strategies")
    kept.goto("about:blank")
    page = person.tab()
    page.goto(person.site.url + "/alerts")
    controlled(page)
    page.wait_for_load_state("load")
    until(page, "document.querySelector('live-updates').dataset.state === 'live'")
    page.evaluate("navigator.serviceWorker.ready")
    tell = "tags => document.dispatchEvent(new CustomEvent('adaf:tags', { detail: tags }))"
    for _ in range(50):
        page.evaluate(tell, [f"portfolio:{number}"])
        other = person.tab()
        if not painted_by_worker(other, address):
            break
        other.close()
    else:
        pytest.fail("the page was painted after its tag had expired")
    assert painted_by_worker(page, person.site.url + "/strategies")


@pytest.mark.deep
def test_the_first_visit_is_kept(person: Person) -> None:
    """It came before the worker was there: the very next load is painted."""
    page = person.enter(path="/portfolio")
    worker = person.context.service_workers[0]
    for _ in range(200):
        if worker.evaluate("address => pages.has(address)", f"{person.site.url}/portfolio"):
            break
        page.wait_for_timeout(20)
    assert painted_by_worker(person.tab(), person.site.url + "/portfolio")


@pytest.mark.deep
def test_without_the_server_only_a_policy_keeps_a_page(kept: Page, person: Person, secret: str) -> None:
    """`stale_seconds` of /strategies lets it stand; the portfolio gives way to the browser's own error."""
    address = kept.url
    warm(kept, person.site.url + "/strategies")
    person.site.stop()
    try:
        assert painted_by_worker(kept, person.site.url + "/strategies")
        other = person.tab()
        with contextlib.suppress(Error):
            other.goto(address)
        until(other, "location.href.startsWith('chrome-error:')")
        assert secret not in other.content()
        assert kept.locator("main h1").count() == 1
        with pytest.raises(Error, match="ERR_"):
            other.goto(address)
    finally:
        person.site.start()


@pytest.mark.deep
def test_where_a_browser_refuses_the_worker_pages_come_from_the_server(
    pack2_site: Pack2Site, keeping_browser: Browser, secret: str
) -> None:
    """Some private windows and some companies forbid it: nothing is kept, nothing is missing."""
    context = keeping_browser.new_context(service_workers="block")
    person = Person(context, pack2_site)
    person.become("trader")
    page = person.tab()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for _ in range(3):
        assert not painted_by_worker(page, pack2_site.url + "/portfolio")
        page.wait_for_load_state("networkidle")
        assert secret in page.inner_text("main")
    page.goto(pack2_site.url + "/market")
    page.go_back(wait_until="commit")
    until(
        page,
        "document.readyState === 'complete'"
        " && getComputedStyle(document.documentElement).visibility === 'visible'",
    )
    assert (context.service_workers, errors) == ([], [])
    context.close()


@pytest.mark.deep
def test_a_full_disk_changes_nothing(pack2_site: Pack2Site, keeping_browser: Browser, secret: str) -> None:
    """No byte is left to the site, and the worker may be refused: pages come all the same."""
    context = keeping_browser.new_context()
    person = Person(context, pack2_site)
    person.become("trader")
    page = person.tab()
    session: Any = context.new_cdp_session(page)
    session.send("Storage.overrideQuotaForOrigin", {"origin": pack2_site.url, "quotaSize": 0})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for _ in range(4):
        page.goto(pack2_site.url + "/portfolio")
        page.wait_for_load_state("networkidle")
        assert secret in page.inner_text("main")
    assert errors == []
    context.close()


def test_a_reload_asks_the_server(kept: Page) -> None:
    """Who reloads wants to know what is."""
    kept.reload()
    assert not kept.evaluate(FROM_WORKER)


@pytest.mark.deep
def test_the_number_of_pages_is_bounded(person: Person) -> None:
    """The least recently used goes first."""
    page = person.enter()
    warm(page, person.site.url + "/strategies")
    page.wait_for_timeout(1200)  # it may have been left before its paint: then it is asked about later
    for number in range(MAX_PAGES):
        warm(page, f"{person.site.url}/market?q={number}")
    assert not painted_by_worker(page, person.site.url + "/strategies")


@pytest.mark.deep
def test_what_has_no_policy_is_never_kept(person: Person) -> None:
    """Neither a page without a policy nor one that may not be stored."""
    page = person.enter()
    for path in ("/api/health", "/reports/1", "/nothing-here"):
        for _ in range(3):
            assert not painted_by_worker(page, person.site.url + path)


@pytest.mark.deep
def test_the_switch_removes_the_worker(person: Person, pack2_site: Pack2Site) -> None:
    """`enabled = false`: a browser that has it loses it with the next page, and pages work on."""
    page = person.enter()
    warm(page, person.site.url + "/market")
    off = str(Path(pack2_site.environ["PACK2_CONFIG"]).with_name("off.toml"))
    pack2_site.start(PACK2_CONFIG=off)
    try:
        page.goto(person.site.url + "/portfolio")
        until(page, "navigator.serviceWorker.getRegistrations().then(all => all.length === 0)")
        fresh = person.tab()
        assert not painted_by_worker(fresh, person.site.url + "/market")
        assert fresh.evaluate("navigator.serviceWorker.controller") is None
    finally:
        pack2_site.start()
