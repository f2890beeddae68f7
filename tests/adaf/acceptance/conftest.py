"""The dashboard as people meet it: a real server on loopback with the sample data, and a real browser.

`ADAF_SCREENSHOTS=DIR python -m pytest tests/adaf/acceptance/test_look.py` keeps a picture of every page.
"""

from __future__ import annotations

import base64
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from browser_site import MAX_PAGES, Pack2Site, Person, warm
from dashboard_site import CACHE_KEY, PASSWORDS, Server, Site, Visit, hostile_names, watch
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from adaf.sample.passwords import set_passwords
from pack2.cache import feed_schema
from pack2.config import load_config
from pack2.services import PostgresServer
from pack2.services.chromium import launch_arguments
from pack2.services.ports import free_port

ROOT = Path(__file__).parents[3]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> None:
    """Load schemathesis's plugin, which takes half a second, for the one module that needs it."""
    if file_path.name == "test_openapi.py":
        parent.config.pluginmanager.import_plugin("schemathesis.pytest.plugin")


@pytest.fixture(scope="session")
def site(
    postgres: PostgresServer, sample_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A server without the performance pack on a copy of the sample data that the acceptance tests share."""
    assert sample_database
    url = postgres.create_database("acceptance", template="sample")
    with psycopg.connect(url, autocommit=True) as connection:
        set_passwords(connection, PASSWORDS)
        hostile_names(connection)
    log = tmp_path_factory.mktemp("server") / "granian.log"
    with Server(url, log) as address:
        yield Site(address, url)
    postgres.drop_database("acceptance")


@pytest.fixture(scope="session")
def live_site(
    postgres: PostgresServer,
    redis_url: str,
    sample_database: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """A server with the performance pack, whose database tells of its changes."""
    assert sample_database
    url = postgres.create_database("live", template="sample")
    feed_schema.apply(url, load_config(ROOT / "pack2.toml").cache.feed)
    with psycopg.connect(url, autocommit=True) as connection:
        set_passwords(connection, PASSWORDS)
    log = tmp_path_factory.mktemp("live") / "granian.log"
    with Server(url, log, PACK2="on", REDIS_URL=redis_url, PACK2_CACHE_KEY=CACHE_KEY) as address:
        yield Site(address, url)
    postgres.drop_database("live")


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """The system's Chromium, closed with the module: while it is open no other test can run an event loop."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=launch_arguments())
        yield launched
        launched.close()


@pytest.fixture
def visit(site: Site, browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Makes visits: `visit(width=390, color_scheme="dark", java_script_enabled=False)`."""
    contexts: list[BrowserContext] = []

    def make(width: int = 1280, **options: Any) -> Visit:
        height = 844 if width < 500 else 900
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        made = Visit(context.new_page(), site, options.get("java_script_enabled", True))
        watch(made)
        return made

    yield make
    for context in contexts:
        context.close()


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
