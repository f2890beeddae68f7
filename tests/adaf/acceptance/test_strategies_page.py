"""Strategies in a browser: calculated anew, and compared, with and without scripts."""

from __future__ import annotations

import re

from playwright.sync_api import expect


def runs(site, strategy: int) -> int:
    return site.rows("SELECT count(*) FROM strategy_runs WHERE strategy_id = %s", strategy)[0][0]


def calculable(site) -> int:
    """A public strategy with more candles than its window needs."""
    update = (
        "UPDATE strategies SET timeframe = '5m' WHERE id = (SELECT min(id) FROM strategies WHERE is_public)"
    )
    return site.rows(f"{update} RETURNING id")[0][0]


def test_a_calculation_shows_its_result_in_place(visit, site):
    """One press: the figures beside the button, the run in the list, the page never left."""
    strategy = calculable(site)
    before = runs(site, strategy)
    seen = visit()
    page = seen.sign_in(path=f"/strategies/{strategy}")
    seen.settle()
    page.evaluate("window.stayed = true")
    page.get_by_role("button", name="Calculate").click()
    notice = page.get_by_role("status").filter(has_text="is done")
    expect(notice).to_be_focused(timeout=20_000)  # the first calculation starts its process
    number = re.search(r"Run (\d+) is done", notice.inner_text())[1]
    expect(page.locator("#runs tbody tr").first).to_contain_text(number)
    assert page.evaluate("window.stayed")
    assert runs(site, strategy) == before + 1
    assert seen.problems == []


def test_a_calculation_without_scripts(visit, site):
    """POST, redirect, GET: the result, its row marked, and reloading does not calculate again."""
    strategy = calculable(site)
    before = runs(site, strategy)
    page = visit(java_script_enabled=False).sign_in(path=f"/strategies/{strategy}")
    page.get_by_role("button", name="Calculate").click()
    expect(page.get_by_role("status")).to_contain_text("is done")
    expect(page.locator("tr.fresh")).to_have_count(1)
    page.reload()
    assert runs(site, strategy) == before + 1


def test_chosen_strategies_are_compared(visit):
    """Ticked, they have one address and a curve each, read by keyboard; one is taken off again."""
    seen = visit()
    page = seen.sign_in(path="/strategies")
    boxes = page.get_by_role("table", name="Public strategies, the best first").get_by_role("checkbox")
    names = [boxes.nth(place).get_attribute("aria-label").removeprefix("Compare ") for place in (0, 1)]
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.get_by_role("button", name="Compare the chosen").click()
    page.wait_for_url(re.compile(r"/strategies/compare\?ids=\d+,\d+&days=90$"))
    seen.settle()
    chart = page.locator("line-chart")
    chart.focus()
    page.keyboard.press("End")
    for name in names:
        expect(chart.get_by_role("status")).to_contain_text(name)
    page.get_by_role("link", name="30 d").press("Enter")
    expect(page.get_by_role("link", name="30 d")).to_be_focused()
    page.get_by_role("link", name=f"Remove {names[0]}").click()
    page.wait_for_url(re.compile(r"/strategies/compare\?ids=\d+&days=\d+$"))
    assert seen.problems == []
