"""The dashboard with Pack 2 before a real Chromium, and people whose pages say what they saw."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from dashboard_site import PASSWORDS, Server, Site, until
from playwright.sync_api import BrowserContext, Error, Page, Response

from adaf.live.recent import MARGIN_SECONDS

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
