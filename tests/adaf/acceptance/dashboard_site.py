"""A running dashboard with sample data, and visits to it with a browser."""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Error, Page

from adaf.sample import Passwords
from pack2.services.ports import free_port

PASSWORDS = Passwords(
    viewer="read-only 1", trader="buy and sell 2", operator="run it 3", test_accounts="load 4"
)
CACHE_KEY = base64.b64encode(bytes(32)).decode()
READY_SECONDS = 30
EVIL = '<img src=x onerror="document.title=1">'


@dataclass
class Site:
    """A running dashboard and its database."""

    url: str
    database_url: str

    def rows(self, query: str, *args: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(query, args).fetchall()


MODULES_RAN = "!document.querySelector('[data-modules]') || !!customElements.get('search-box')"
"""A page without modules of its own (sign-in, error) has none to wait for."""


@dataclass
class Visit:
    """A page in a fresh browser profile, and everything that went wrong on it."""

    page: Page
    site: Site
    scripts: bool = True
    problems: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.site.url + path)
        return self._ready()

    def sign_in(self, role: str = "trader", path: str = "/") -> Page:
        """Sign in as the named user of `role` and go on to `path`."""
        self.open(f"/sign-in?next={path}")
        self.page.fill("#email", f"{role}@adaf.test")
        self.page.fill("#password", getattr(PASSWORDS, role))
        self.page.press("#password", "Enter")
        self.page.wait_for_url(self.site.url + path)
        return self._ready()

    def _ready(self) -> Page:
        """The page once its modules have run, which come after the first paint."""
        if self.scripts:
            until(self.page, MODULES_RAN)
        return self.page

    def settle(self) -> None:
        """Wait until modules have run and charts are drawn; nothing is under way any more."""
        self.page.wait_for_load_state("networkidle")
        until(
            self.page,
            "[...document.querySelectorAll('line-chart, candle-chart')]"
            ".every(chart => chart.classList.contains('chart-live') && chart.querySelector('canvas'))",
        )


def until(page: Page, condition: str) -> None:
    """Wait for a condition; evaluated beside the page's Content Security Policy, which forbids `eval`."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(Error):  # the page is being left: the next one is asked
            if page.evaluate(condition):
                return
        page.wait_for_timeout(20)
    pytest.fail(f"not reached on {page.url}: {condition}")


def watch(visit: Visit) -> None:
    page, problems = visit.page, visit.problems
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))
    page.on("console", lambda message: _note(problems, message))
    page.on("request", lambda request: _note_foreign(problems, request.url, visit.site.url))
    page.on("requestfailed", lambda request: _note_failed(problems, request))


def _note(problems: list[str], message: Any) -> None:
    """Errors and warnings of the console; a refusal by the content security policy is one of them."""
    if message.type in ("error", "warning"):
        problems.append(f"console: {message.text}")


def _note_foreign(problems: list[str], url: str, own: str) -> None:
    if not url.startswith((own, "data:", "blob:")):
        problems.append(f"foreign request: {url}")


def _note_failed(problems: list[str], request: Any) -> None:
    if "ERR_ABORTED" not in (request.failure or ""):
        problems.append(f"failed: {request.url}")


def hostile_names(connection: psycopg.Connection) -> None:
    """Give the operator names that would run if they were ever taken for HTML."""
    operator = "(SELECT id FROM users WHERE email = 'operator@adaf.test')"
    connection.execute(
        "UPDATE portfolios SET name = %s WHERE id ="
        f" (SELECT min(id) FROM portfolios WHERE owner_id = {operator})",
        (EVIL,),
    )
    connection.execute(
        "UPDATE transactions SET note = %s WHERE portfolio_id ="
        f" (SELECT min(id) FROM portfolios WHERE owner_id = {operator})",
        (EVIL,),
    )
    connection.execute("UPDATE research_notes SET title = %s", (EVIL,))
    connection.execute(f"UPDATE alerts SET message = %s WHERE user_id = {operator}", (EVIL,))


class Server:
    """`granian` with one worker on a free port (or `port`), PACK2=off unless told; its end is waited for."""

    def __init__(self, database_url: str, log: Path, port: int = 0, **environ: str) -> None:
        self._port = port
        self._environ = {**os.environ, "DATABASE_URL": database_url, "PACK2": "off", **environ}
        self._log = log

    def __enter__(self) -> str:
        port = self._port or free_port()
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--workers", "1", "--workers-kill-timeout", "2", "adaf.asgi:app"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, env=self._environ, stdout=log, stderr=subprocess.STDOUT)
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + READY_SECONDS
        while not _answers(address):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                pytest.fail(f"the server did not start:\n{self._log.read_text()}")
        return address

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def served(folder: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """`adaf serve` in `folder`, as an operator starts it, reports included; gives its address."""
    command = [Path(sys.executable).parent / "adaf", "serve", "--port", str(free_port())]
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = next((line for line in process.stdout if line.startswith("serving ")), None)
            assert said is not None, "the dashboard did not start"
            yield said.split()[1]
        finally:
            process.terminate()
            process.wait(20)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/sign-in", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        time.sleep(0.05)
        return False
