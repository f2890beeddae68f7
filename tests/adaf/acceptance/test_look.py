"""Every page at two widths and in two themes: complete, quiet, and within the screen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dashboard_site import until
from playwright.sync_api import expect

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
    "search": "/search?q=momentum",
    "search-empty": "/search",
    "search-nothing": "/search?q=nosuchthing",
    "note": "/research/1",
    "reports": "/reports",
}
PUBLIC_SIGNAL = "SELECT max(g.id) FROM signals g JOIN strategies s ON s.id = g.strategy_id WHERE s.is_public"
WIDTHS = [320, 390, 639, 640, 768, 1020, 1021, 1180, 1181]
TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
RECORD_WORDS = """
window.__words = [];
const fillText = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
  window.__words.push(text);
  return fillText.call(this, text, ...rest);
};
"""
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


def test_no_page_is_wider_than_its_screen(visit):
    """At each width where the layout changes, and on the narrowest phone."""
    seen = visit()
    page = seen.sign_in()
    for path in ("/", "/strategies", "/signals", "/search?q=btc", "/reports"):
        seen.open(path)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate(TWO_FRAMES)
            assert overflow(page) <= 0, (path, width)


@pytest.mark.parametrize("width", [1280, 390])
def test_words_at_an_axis_are_true_and_told_once(visit, width):
    """Each day once, however few there are; each amount within the span of the curve, a lone one too."""
    seen = visit(width=width)
    page = seen.sign_in()
    page.add_init_script(RECORD_WORDS)
    for path in ("/", "/portfolio"):
        seen.open(path)
        seen.settle()
        until(page, "window.__words.some(word => word.startsWith('$'))")
        values = page.evaluate("JSON.parse(document.querySelector('line-chart script').textContent).values")
        words = [word for word in page.evaluate("window.__words") if word]
        amounts = [word for word in words if word.startswith("$")]
        days = [word for word in words if not word.startswith("$")]
        assert days
        assert len(set(days)) == len(days), path
        padding = 0.07 * (max(values) - min(values))
        for word in amounts:
            amount = float(word[1:-1].replace(",", "")) * {"K": 1e3, "M": 1e6}[word[-1]]
            assert min(values) - padding <= amount <= max(values) + padding, (path, word)
        assert amounts


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
    drawn = "document.querySelector('candle-chart canvas').toDataURL()"
    page.evaluate(f"window.before = {drawn}")
    page.get_by_role("button", name="Dark theme").click()
    until(page, f"{drawn} !== window.before")
    assert seen.problems == []


def test_the_first_paint_needs_no_script(visit):
    """With scripts off the pages hold the same figures, curves and candles, and each control works."""
    seen = visit(java_script_enabled=False)
    page = seen.sign_in()
    assert page.locator("dl.kpis dd").first.inner_text().startswith("$")
    assert page.locator("line-chart .plot polyline").is_visible()
    assert page.locator("theme-toggle").is_hidden()
    page.get_by_role("link", name="7 d").click()
    page.wait_for_url("**/?days=7")
    expect(page.get_by_role("link", name="7 d")).to_have_attribute("aria-current", "true")
    seen.open("/market/BTC")
    expect(page.locator("candle-chart .plot-right path").first).to_be_visible()
    page.get_by_role("link", name="5m").click()
    page.wait_for_url("**timeframe=5m*")
    seen.open("/market")
    page.fill("#search", "ether")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("row")).to_have_count(2)
    if SCREENSHOTS:
        seen.open("/")
        keep(page, "overview-no-script")


def test_no_module_is_asked_for_before_the_page_is_there(visit):
    """Until then the style sheet alone is, which the first paint waits for."""
    seen = visit()
    page = seen.sign_in()
    seen.settle()
    asked = page.evaluate(
        "performance.getEntriesByType('resource').map(({name, startTime}) => [name, startTime])"
    )
    there = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    before = [name.rsplit("/", 1)[1] for name, start in asked if start < there]
    assert set(before) <= {"adaf.css", "favicon.svg"}
    assert {"adaf.css"} <= set(before) < {name.rsplit("/", 1)[1] for name, _ in asked}


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
