"""Page loads as a person sees them: Chromium, signed in, on a fixed slow network and processor.

Largest Contentful Paint (W3C) of each page: once in a fresh browser context (first), once more in the same
one after a moment of reading (repeat). What a service worker asks for goes through the same network.
Variants alternate page by page. A page of one line of text tells what the browser itself takes here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Error, ViewportSize, sync_playwright

from pack2.proof.model import Metric, PageRow, Variant
from pack2.proof.servers import Server
from pack2.proof.stage import Told
from pack2.proof.statistics import grouped_change
from pack2.services.chromium import find_headless_shell, launch_arguments

NETWORK = {
    "offline": False,
    "latency": 40,
    "downloadThroughput": 10_000_000 / 8,
    "uploadThroughput": 5_000_000 / 8,
}
CPU_SLOWDOWN = 4
READING_SECONDS = 1.0
"""How long the first visit stays open: nobody comes back to a page before they have seen it."""
_VIEWPORT: ViewportSize = {"width": 1280, "height": 900}
_TIMEOUT_MS = 20_000
_OBSERVE = """
window.__lcp = 0;
new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.__lcp = entry.startTime; })
  .observe({ type: "largest-contentful-paint", buffered: true });
"""
# evaluate() runs beside the page's Content Security Policy; wait_for_function() would need 'unsafe-eval'.
_SETTLED = """() => new Promise((resolve) => {
  const quiet = () => window.__lcp > 0 && performance.now() - window.__lcp > 500;
  const started = performance.now();
  const late = () => performance.now() - started > 5000;
  const look = () => (quiet() || late() ? resolve(window.__lcp) : setTimeout(look, 50));
  look();
})"""
_VARIANTS: tuple[Variant, ...] = ("before", "after")


@dataclass
class PageLoads:
    """LCP in ms by (page, variant), and of a page of one line; `failures` are one sentence each."""

    first: dict[tuple[str, Variant], list[float]] = field(default_factory=dict)
    repeat: dict[tuple[str, Variant], list[float]] = field(default_factory=dict)
    one_line: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def metrics(self, pages: Sequence[str], target_percent: float) -> dict[str, Metric]:
        """`page_load_first_ms` and `page_load_repeat_ms`: the mean over pages of each page's median."""
        found = {}
        for name, loads in (("page_load_first_ms", self.first), ("page_load_repeat_ms", self.repeat)):
            before, after = (
                [np.array(loads[page, variant]) for page in pages if loads.get((page, variant))]
                for variant in _VARIANTS
            )
            if not before or len(before) != len(after):
                continue
            change = grouped_change(before, after)
            is_judged = name == "page_load_repeat_ms"
            found[name] = Metric(
                before=change.before,
                after=change.after,
                change_percent=change.percent,
                ci95_percent=change.interval,
                target_percent=target_percent if is_judged else None,
                samples=change.samples,
                judged=is_judged,
                note=self._floor() if is_judged else "reported, not judged",
            )
        return found

    def rows(self) -> tuple[PageRow, ...]:
        """Each load, page by page."""
        return tuple(
            PageRow(page, variant, tuple(first), tuple(self.repeat.get((page, variant), ())))
            for (page, variant), first in sorted(self.first.items())
        )

    def _floor(self) -> str:
        return f"a page of one line takes {np.median(self.one_line):.0f} ms" if self.one_line else ""


def measure(
    servers: Mapping[Variant, Server], pages: Sequence[str], cookie: str, token: str, loads: int, tell: Told
) -> PageLoads:
    """Load every page `loads` times, first and repeat, on both servers."""
    result = PageLoads()
    with sync_playwright() as playwright, _page_of_one_line() as one_line:
        browser = playwright.chromium.launch(
            executable_path=str(find_headless_shell()), args=[*launch_arguments(), "--disable-quic"]
        )
        try:
            for number in range(loads):
                _load_one_line(browser, one_line, result)
                for page in pages:
                    for variant in _VARIANTS if number % 2 == 0 else _VARIANTS[::-1]:
                        _load(browser, servers[variant], page, (cookie, token), result)
                        tell(f"page {page} {variant}", 1.0)
        finally:
            browser.close()
    return result


def _load(browser: Browser, server: Server, page: str, session: tuple[str, str], result: PageLoads) -> None:
    context = browser.new_context(viewport=_VIEWPORT)
    try:
        context.add_cookies([{"name": session[0], "value": session[1], "url": server.base_url}])
        for loads, reading_seconds in ((result.first, READING_SECONDS), (result.repeat, 0.0)):
            _slow_workers(browser, server.base_url)
            painted = _paint_ms(context, server.base_url + page, reading_seconds)
            if isinstance(painted, str):
                result.failures.append(f"{page} of the {server.variant} server: {painted}")
            else:
                loads.setdefault((page, server.variant), []).append(painted)
    finally:
        context.close()


def _load_one_line(browser: Browser, url: str, result: PageLoads) -> None:
    context = browser.new_context(viewport=_VIEWPORT)
    try:
        painted = _paint_ms(context, url)
        if isinstance(painted, float):
            result.one_line.append(painted)
    finally:
        context.close()


@contextmanager
def _page_of_one_line() -> Iterator[str]:
    """The address of a server on the loopback that has one page, and the page one heading."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _OneLine)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _OneLine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>One line</title><h1>One line</h1>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


def _slow_workers(browser: Browser, base_url: str) -> None:
    """Put the service workers of `base_url` on its pages' network; each is a target of its own."""
    session: Any = browser.new_browser_cdp_session()
    slow = {"id": 1, "method": "Network.emulateNetworkConditions", "params": NETWORK}
    for target in session.send("Target.getTargets")["targetInfos"]:
        if target["type"] == "service_worker" and target["url"].startswith(f"{base_url}/"):
            attached = session.send(
                "Target.attachToTarget", {"targetId": target["targetId"], "flatten": False}
            )
            message = {"sessionId": attached["sessionId"], "message": json.dumps(slow)}
            session.send("Target.sendMessageToTarget", message)


def _paint_ms(context: BrowserContext, url: str, reading_seconds: float = 0.0) -> float | str:
    tab = context.new_page()
    try:
        tab.add_init_script(_OBSERVE)
        session: Any = context.new_cdp_session(tab)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", NETWORK)
        session.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
        answer = tab.goto(url, wait_until="load", timeout=_TIMEOUT_MS)
        if answer is None or answer.status != 200:
            return f"status {answer.status if answer else 0}"
        painted = float(tab.evaluate(_SETTLED))
        time.sleep(reading_seconds)
        return painted if painted > 0 else "nothing was painted"
    except Error as error:
        return str(error).splitlines()[0]
    finally:
        tab.close()
