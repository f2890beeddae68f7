"""The page of reports in a real browser, with a real worker beside the server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

WORKER = """
import asyncio, sys
from adaf.reports.worker import run
from adaf.settings import Settings
settings = Settings(database_url=sys.argv[1], pool_connections=2)
asyncio.run(run(settings, on_ready=lambda: print("ready", flush=True)))
"""
SCREENSHOTS = os.environ.get("ADAF_SCREENSHOTS")


@pytest.fixture(scope="module")
def worker(site) -> Iterator[None]:
    """A worker on the site's database."""
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, site.database_url], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        yield
        process.terminate()


def keep(page, name: str) -> None:
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)


def latest(page):
    return page.locator("#reports li").first


def make_another(page) -> None:
    """Press the button; the list that comes has one more."""
    reports = page.locator("#reports li")
    before = reports.count()
    page.get_by_role("button", name="Make report").click()
    expect(reports).to_have_count(before + 1)


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (390, "dark"), (390, "light"), (1280, "dark")]
)
def test_a_report_is_asked_for_followed_and_downloaded(visit, worker, tmp_path, width, scheme):
    """The list follows the report without a reload; its link is the file; nothing is wrong on the way."""
    seen = visit(width=width, color_scheme=scheme)
    page = seen.sign_in("trader", "/reports")
    make_another(page)
    latest(page).get_by_role("link", name="Portfolio statement").wait_for(timeout=15_000)
    with page.expect_download() as waiting:
        latest(page).get_by_role("link", name="Portfolio statement").click()
    waiting.value.save_as(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert waiting.value.suggested_filename.startswith("adaf-statement-")
    keep(page, f"reports-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert seen.problems == []


def test_a_report_is_deleted(visit, site, worker):
    """The button at a report removes it and its file."""
    page = visit().sign_in("trader", "/reports")
    page.get_by_label("Performance").check()
    page.get_by_label("CSV", exact=True).check()
    make_another(page)
    link = latest(page).get_by_role("link", name="Performance")
    link.wait_for(timeout=15_000)
    address = link.get_attribute("href")
    latest(page).get_by_role("button", name="Delete report").click()
    expect(page.locator(f'a[href="{address}"]')).to_have_count(0)
    assert page.request.get(site.url + address).status == 404


def test_the_form_works_without_scripts(visit, worker):
    """Without scripts a report is in the list that comes back; a bad period is told at its field."""
    page = visit(java_script_enabled=False).sign_in("viewer", "/reports")
    page.fill("#since", "2026-09-20")
    page.fill("#until", "2026-09-10")
    page.get_by_role("button", name="Make report").click()
    expect(page.locator("#since-error")).to_contain_text("not after")
    page.fill("#since", "2026-09-01")
    page.get_by_role("button", name="Make report").click()
    expect(latest(page)).to_contain_text("1 Sep 2026 to 10 Sep 2026")
