"""The browser's own cache in a real Chromium, before the dashboard with Pack 2, PostgreSQL and Valkey.

Above all: nobody is ever shown what belongs to another, not for one frame. A page says so itself, by an
observer that is there before its first element.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from dashboard_site import MODULES_RAN, PASSWORDS, Server, Site, until
from playwright.sync_api import Browser, BrowserContext, Error, Page, Response, sync_playwright

from adaf.live.recent import MARGIN_SECONDS
from adaf.sample.passwords import set_passwords
from pack2.services import PostgresServer
from pack2.services.chromium import launch_arguments
from pack2.services.ports import free_port

ROOT = Path(__file__).parents[3]
MAX_PAGES = 6
HEARD_SECONDS = 0.2  # from a change to its notification
FROM_WORKER = """performance.getEntriesByType("navigation")[0].serverTiming
  .some((part) => part.name === "browser" && part.description === "hit")"""
AT_SIGN_IN = "location.pathname === '/sign-in' && document.readyState === 'complete'"
CONTROLLED = "navigator.serviceWorker.controller !== null"
WATCH = """(() => {
  const foreign = %s;
  const look = () => {
    const root = document.documentElement;
    if (!root || getComputedStyle(root).visibility === "hidden") return;
    if (root.textContent.includes(foreign)) console.log("SAW " + Date.now());
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
  addEventListener("pageshow", (event) => { if (event.persisted) console.log("CAME BACK"); look(); });
})();"""


@dataclass
class Pack2Site(Site):
    """The dashboard with Pack 2; it can be started again at its address with another configuration."""

    port: int
    environ: dict[str, str]
    log: Path
    server: Server | None = None
    changed_at: float = 0.0

    def start(self, **environ: str) -> None:
        self.stop()
        self.server = Server(self.database_url, self.log, self.port, **{**self.environ, **environ})
        self.server.__enter__()
        self.changed_at = time.monotonic()

    def stop(self) -> None:
        if self.server:
            self.server.__exit__()
        self.server = None

    @contextlib.contextmanager
    def away(self, offline: bool) -> Iterator[None]:
        """Offline: no server answers. The browser's own switch does not reach a worker that just starts."""
        if offline:
            self.stop()
        try:
            yield
        finally:
            if offline:
                self.start()

    def execute(self, statement: str, *args: Any) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(statement, args)
        self.changed_at = time.monotonic()

    def settle(self) -> None:
        """A page that comes within MARGIN_SECONDS of a change is told of it, and expires what is kept."""
        time.sleep(max(0.0, self.changed_at + MARGIN_SECONDS + HEARD_SECONDS - time.monotonic()))

    def token(self, role: str) -> str:
        body = json.dumps({"email": f"{role}@adaf.test", "password": getattr(PASSWORDS, role)}).encode()
        request = urllib.request.Request(
            f"{self.url}/api/auth/sign-in", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            self.changed_at = time.monotonic()
            return str(json.load(answer)["token"])


@dataclass
class Person:
    """A browser profile and what its pages said."""

    context: BrowserContext
    site: Pack2Site
    said: list[str] = field(default_factory=list)
    looking_from: int = 0

    def tab(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: self.said.append(message.text))
        return page

    def enter(self, role: str = "trader", path: str = "/") -> Page:
        """A tab of somebody who is signed in already; its page is the worker's."""
        self.become(role)
        self.site.settle()
        page = self.tab()
        page.goto(self.site.url + path)
        controlled(page)
        return page

    def sign_in(self, page: Page, role: str = "trader", path: str = "/") -> None:
        """Through the form; afterwards the page is the worker's."""
        page.goto(f"{self.site.url}/sign-in?next={path}")
        page.fill("#email", f"{role}@adaf.test")
        page.fill("#password", getattr(PASSWORDS, role))
        page.press("#password", "Enter")
        page.wait_for_url(self.site.url + path)
        controlled(page)

    def become(self, role: str) -> None:
        """Another session's cookie, put there by nobody whom the worker could have seen."""
        cookie = {"name": "adaf_session", "value": self.site.token(role), "url": self.site.url}
        self.context.add_cookies([cookie])  # type: ignore[list-item]

    def watch_for(self, foreign: str) -> None:
        self.context.add_init_script(WATCH % json.dumps(foreign))

    @property
    def sightings(self) -> list[str]:
        """What was seen since `looking_from`: a page that comes back says again what it said before."""
        seen = [text.split() for text in self.said if text.startswith("SAW")]
        return [at for _, at in seen if int(at) >= self.looking_from]

    def look_from_now(self) -> None:
        self.looking_from = int(time.time() * 1000)


def controlled(page: Page) -> None:
    until(page, CONTROLLED)


def painted_by_worker(page: Page, url: str) -> bool:
    """Told by the answers: a page that the server does not confirm is led away, and can not be asked."""
    painted: list[bool] = []

    def note(answer: Response) -> None:
        if answer.request.is_navigation_request():
            painted.append("browser;desc=hit" in answer.headers.get("server-timing", ""))

    page.on("response", note)
    with contextlib.suppress(Error):
        page.goto(url)
    page.remove_listener("response", note)
    return any(painted)


def warm(page: Page, url: str) -> None:
    """Load `url` until the worker paints it twice on end."""
    painted = 0
    for _ in range(40):
        painted = painted + 1 if painted_by_worker(page, url) else 0
        if painted == 2:
            return
        page.wait_for_timeout(20)
    pytest.fail(f"the worker never painted {url}")


@pytest.fixture(scope="module")
def pack2_site(
    postgres: PostgresServer, sample_database: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pack2Site]:
    assert sample_database
    url = postgres.create_database("browser_cache", template="sample")
    with psycopg.connect(url, autocommit=True) as connection:
        set_passwords(connection, PASSWORDS)
    folder = tmp_path_factory.mktemp("browser_cache")
    text = (ROOT / "pack2.toml").read_text()
    stale = text.replace('route = "/strategies"\n', 'route = "/strategies"\nstale_seconds = 600\n')
    (folder / "on.toml").write_text(f"{stale}\n[browser]\nmax_pages = {MAX_PAGES}\n")
    (folder / "off.toml").write_text(f"{text}\n[browser]\nenabled = false\n")
    apply = [sys.executable, "-m", "pack2", "feed", "apply"]
    subprocess.run(apply, check=True, cwd=ROOT, env={"DATABASE_URL": url}, capture_output=True)
    environ = {
        "PACK2": "on",
        "REDIS_URL": redis_url,
        "PACK2_CONFIG": str(folder / "on.toml"),
        "PACK2_CACHE_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    port = free_port()
    site = Pack2Site(f"http://127.0.0.1:{port}", url, port, environ, folder / "granian.log")
    site.start()
    yield site
    site.stop()
    postgres.drop_database("browser_cache")


@pytest.fixture(scope="module")
def keeping_browser(chromium: Path) -> Iterator[Browser]:
    """A browser that keeps pages to go back to, as people's do."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=chromium,
            args=launch_arguments(),
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield launched
        launched.close()


@pytest.fixture
def person(pack2_site: Pack2Site, keeping_browser: Browser) -> Iterator[Person]:
    context = keeping_browser.new_context(viewport={"width": 1280, "height": 900})
    yield Person(context, pack2_site)
    context.close()


@pytest.fixture
def secret(pack2_site: Pack2Site) -> str:
    """The trader's portfolio has a name that is nobody else's."""
    name = f"Secret {secrets.token_hex(4)}"
    pack2_site.execute(
        "UPDATE portfolios SET name = %s WHERE id = (SELECT min(p.id) FROM portfolios p"
        " JOIN users u ON u.id = p.owner_id WHERE u.email = 'trader@adaf.test')",
        name,
    )
    return name


@pytest.fixture
def kept(person: Person, secret: str) -> Page:
    """The trader's tab: the worker has the portfolio page, with its secret."""
    page = person.enter("trader", "/market")
    warm(page, person.site.url + "/portfolio")
    assert secret in page.inner_text("main")
    return page


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
    assert kept.evaluate("document.querySelector('style').sheet.cssRules.length") > 100
    until(kept, MODULES_RAN)
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


def test_the_rest_of_a_page_follows_without_a_paint(kept: Page, person: Person) -> None:
    """A tab that is hidden paints nothing, and an older browser tells nothing of it."""
    tab = person.tab()
    tab.add_init_script("window.PerformanceObserver = class { observe() {} };")
    assert painted_by_worker(tab, person.site.url + "/portfolio")
    until(tab, "document.querySelector('.foot') !== null")


@pytest.mark.parametrize("offline", [False, True])
def test_another_user_never_sees_it_after_a_sign_out(
    kept: Page, person: Person, secret: str, offline: bool
) -> None:
    """Sign-out, sign-in as another: the same addresses, with the server and without it."""
    kept.get_by_role("button", name="Sign out").click()
    until(kept, AT_SIGN_IN)
    person.watch_for(secret)
    page = person.tab()
    person.sign_in(page, "viewer")
    with person.site.away(offline):
        for path in ("/portfolio", "/"):
            with contextlib.suppress(Error):  # the viewer's own, if the worker has it by now, is led away
                page.goto(person.site.url + path)
            at = (
                "location.href.startsWith('chrome-error:')"
                if offline
                else "document.querySelector('main h1')"
            )
            until(page, at)
    assert person.sightings == []


@pytest.mark.deep
def test_the_observer_sees_what_it_looks_for(kept: Page, person: Person, secret: str) -> None:
    """So that the other tests can fail: the trader's own page is seen, painted by the worker."""
    person.watch_for(secret)
    warm(person.tab(), person.site.url + "/portfolio")
    assert person.sightings


@pytest.mark.parametrize("offline", [False, True])
def test_a_cookie_that_was_replaced_shows_nothing_of_the_one_before(
    kept: Page, person: Person, secret: str, offline: bool
) -> None:
    """The worker can not read the cookie; the browser's own cache answers for the same one alone."""
    kept.close()
    person.become("viewer")
    person.watch_for(secret)
    page = person.tab()
    with person.site.away(offline):
        if offline:
            with pytest.raises(Error, match="ERR_"):
                page.goto(person.site.url + "/portfolio")
        else:
            page.goto(person.site.url + "/portfolio")
            assert not page.evaluate(FROM_WORKER)
    assert person.sightings == []


@pytest.mark.parametrize("offline", [False, True])
def test_without_a_cookie_nothing_is_shown(kept: Page, person: Person, secret: str, offline: bool) -> None:
    """A session that ended with its cookie leaves nothing behind."""
    kept.close()
    person.context.clear_cookies()
    person.watch_for(secret)
    page = person.tab()
    with person.site.away(offline):
        if offline:
            with pytest.raises(Error, match="ERR_"):
                page.goto(person.site.url + "/portfolio")
        else:
            page.goto(person.site.url + "/portfolio")
            assert "/sign-in" in page.url
    assert person.sightings == []


def test_a_session_that_the_server_ended_is_left_at_once(kept: Page, person: Person, secret: str) -> None:
    """The cookie is still there: the page gives way to the sign-in form, and the next visit shows nothing."""
    address = person.site.url + "/portfolio"
    kept.close()
    person.site.execute("DELETE FROM sessions")
    page = person.tab()
    page.goto(address)
    until(page, AT_SIGN_IN)
    person.watch_for(secret)
    later = person.tab()
    later.goto(address)
    until(later, AT_SIGN_IN)
    assert person.sightings == []


def test_a_sign_out_reaches_the_other_tabs(kept: Page, person: Person, secret: str) -> None:
    """A page that stays open in another tab is left as well."""
    other = person.tab()
    other.goto(person.site.url + "/portfolio")
    controlled(other)
    other.wait_for_load_state("networkidle")
    kept.get_by_role("button", name="Sign out").click()
    until(kept, AT_SIGN_IN)
    until(other, AT_SIGN_IN)
    assert secret not in other.content()


@pytest.mark.deep
def test_going_back_shows_nothing_of_the_one_before(kept: Page, person: Person, secret: str) -> None:
    """Neither by the browser's store of whole pages nor by its history."""
    person.watch_for(secret)
    kept.goto(person.site.url + "/portfolio")
    kept.goto(person.site.url + "/market")
    kept.get_by_role("button", name="Sign out").click()
    until(kept, AT_SIGN_IN)
    person.sign_in(kept, "viewer")
    person.look_from_now()
    for _ in range(4):
        with contextlib.suppress(Error):  # the page that came back is loaded again
            kept.go_back(wait_until="commit")
        until(kept, "document.readyState === 'complete'")
    assert person.sightings == []


@pytest.mark.deep
def test_a_page_that_comes_back_from_memory_is_hidden_until_it_is_known(person: Person, secret: str) -> None:
    """The cookie was replaced while the page was frozen: it comes back hidden, and is then loaded again."""
    person.watch_for(secret)
    page = person.enter()
    page.goto(person.site.url + "/portfolio")
    page.wait_for_load_state("networkidle")
    page.goto(person.site.url + "/market")
    page.wait_for_load_state("networkidle")
    person.become("viewer")
    person.look_from_now()
    page.go_back(wait_until="commit")
    until(page, "getComputedStyle(document.documentElement).visibility !== 'hidden'")
    assert "CAME BACK" in person.said
    assert person.sightings == []


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
    address = kept.url
    warm(kept, person.site.url + "/strategies")
    kept.goto("about:blank")
    page = person.tab()
    page.goto(person.site.url + "/alerts")
    controlled(page)
    page.wait_for_load_state("load")
    number = address.rsplit("/", 1)[1]
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
    """It came before the worker was there, and by a redirection: the very next load is painted."""
    page = person.enter(path="/portfolio")
    worker = person.context.service_workers[0]
    for _ in range(200):
        if worker.evaluate(
            "address => isHeld(address) && isHeld(pages.get(address).to)", f"{person.site.url}/portfolio"
        ):
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
