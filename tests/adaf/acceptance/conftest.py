"""The dashboard as people meet it: a real server on loopback with the sample data, and a real browser.

`ADAF_SCREENSHOTS=DIR python -m pytest tests/adaf/acceptance/test_look.py` keeps a picture of every page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from dashboard_site import CACHE_KEY, PASSWORDS, Server, Site, Visit, hostile_names, watch
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from adaf.sample.passwords import set_passwords
from pack2.cache import feed_schema
from pack2.config import load_config
from pack2.services import PostgresServer
from pack2.services.chromium import launch_arguments

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
