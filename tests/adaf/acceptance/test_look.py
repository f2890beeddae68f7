"""Every page at two widths and in two themes: complete, quiet, and within the screen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PAGES = {
    "overview": "/",
    "market": "/market",
    "asset": "/market/BTC",
    "portfolio": "/portfolio",
    "empty": "/market?q=nosuch",
    "strategies": "/strategies",
    "strategy": "/strategies/1",
    "compare": "/strategies/compare?ids=1,2,3&days=90",
    "compare-nothing": "/strategies/compare",
    "signals": "/signals",
    "signal": "/signals/{signal}",
    "alerts": "/alerts",
    "search": "/search?q=bitcoin+liquidity",
    "search-empty": "/search",
    "search-nothing": "/search?q=nosuchthing",
    "note": "/research/1",
    "reports": "/reports",
}
PUBLIC_SIGNAL = "SELECT max(g.id) FROM signals g JOIN strategies s ON s.id = g.strategy_id WHERE s.is_public"
SCREENSHOTS = os.environ.get("ADAF_SCREENSHOTS")


def keep(page, name: str) -> None:
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)


def overflow(page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_clean(visit, width, scheme):
    """No error, no refusal by the content policy, no foreign request, nothing sideways; charts are drawn."""
    seen = visit(width=width, color_scheme=scheme)
    page = seen.open("/sign-in")
    assert overflow(page) <= 0
    keep(page, f"sign-in-{width}-{scheme}")
    seen.sign_in()
    signal = seen.site.rows(PUBLIC_SIGNAL)[0][0]
    for name, path in PAGES.items():
        seen.open(path.format(signal=signal))
        seen.settle()
        assert overflow(page) <= 0, name
        keep(page, f"{name}-{width}-{scheme}")
    assert seen.problems == []
    seen.open("/nothing")
    keep(page, f"error-{width}-{scheme}")
    assert overflow(page) <= 0


def test_the_theme_follows_the_system_until_one_is_chosen(visit):
    """The toggle changes the theme at once, the choice outlives the page, and the button says its state."""
    seen = visit(color_scheme="dark")
    page = seen.sign_in()
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    toggle = page.get_by_role("button", name="Dark theme")
    assert toggle.get_attribute("aria-pressed") == "true"
    toggle.click()
    light = page.evaluate(ground)
    assert light != dark
    seen.open("/market")
    assert page.evaluate(ground) == light
    assert toggle.get_attribute("aria-pressed") == "false"
    assert seen.problems == []


def test_a_chosen_theme_repaints_the_charts(visit):
    """A canvas does not know style sheets: it is drawn again in the other colours."""
    seen = visit(color_scheme="light")
    page = seen.sign_in(path="/market/BTC")
    seen.settle()
    before = page.locator("candle-chart").screenshot()
    page.get_by_role("button", name="Dark theme").click()
    assert page.locator("candle-chart").screenshot() != before
    assert seen.problems == []


def test_the_first_paint_needs_no_script(visit):
    """With scripts off the pages hold the same figures, curves and candles, and each control works."""
    seen = visit(java_script_enabled=False)
    page = seen.sign_in()
    assert page.locator("dl.kpis dd").first.inner_text().startswith("$")
    assert page.locator("line-chart .plot polyline").is_visible()
    assert page.locator("theme-toggle").is_hidden()
    page.get_by_role("link", name="7 d").click()
    assert page.url.endswith("/?days=7")
    assert page.get_by_role("link", name="7 d").get_attribute("aria-current") == "true"
    seen.open("/market/BTC")
    assert page.locator("candle-chart .plot-right path").first.is_visible()
    page.get_by_role("link", name="5m").click()
    assert "timeframe=5m" in page.url
    seen.open("/market")
    page.fill("#search", "ether")
    page.get_by_role("button", name="Search").click()
    assert page.get_by_role("row").count() == 2
    if SCREENSHOTS:
        seen.open("/")
        keep(page, "overview-no-script")


def test_the_curve_of_the_script_lies_on_the_servers(visit):
    """Nothing moves when the chart in the browser takes over: the same plot, to the pixel."""
    seen = visit()
    page = seen.sign_in()
    seen.settle()
    box = page.evaluate(
        """() => {
        const chart = document.querySelector('line-chart');
        const live = chart.querySelector('.u-over').getBoundingClientRect();
        chart.classList.remove('chart-live');
        const made = chart.querySelector('.plot').getBoundingClientRect();
        return ['left', 'top', 'width', 'height'].map(side => Math.abs(live[side] - made[side])); }"""
    )
    assert max(box) <= 1
