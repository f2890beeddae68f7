"""Signals and alerts in a browser: filtered while one types, and marked as read."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect


@pytest.mark.parametrize("scripts", [True, False])
def test_an_alert_is_marked_as_read_on_its_page(visit, scripts):
    """One press: the list of the unread and the bell have one less, and the page is the same one."""
    seen = visit(java_script_enabled=scripts)
    page = seen.sign_in("viewer", "/alerts")
    page.get_by_role("link", name="Unread", exact=True).click()
    rows = page.locator("#alerts li")
    expect(page.get_by_role("heading", name="Unread alerts")).to_be_visible()
    before = rows.count()
    page.get_by_role("button", name="Mark as read").first.click()
    page.wait_for_url("**/alerts?unread=true")
    expect(rows).to_have_count(before - 1)
    if scripts:
        expect(page.get_by_role("link", name=f"{before - 1} unread alert")).to_be_visible()
        assert seen.problems == []


def test_signals_are_filtered_while_choosing(visit):
    """The list follows the fields; what does not go together is told, and the choice stays."""
    seen = visit()
    page = seen.sign_in(path="/signals")
    page.get_by_label("Direction").select_option("sell")
    page.get_by_label("Strength at least").select_option("0.9")
    page.wait_for_url("**/signals?direction=sell&min_strength=0.9")
    expect(page.locator("#signals tbody tr", has_text="Buy")).to_have_count(0)
    expect(page.locator("#signals tbody tr").first).to_contain_text("Sell")
    page.locator("#signals tbody a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sell")
    assert seen.problems == []
    page.go_back()
    page.get_by_label("Asset").fill("BTC")
    expect(page.get_by_role("alert")).to_contain_text("without an asset")
    expect(page.get_by_label("Asset")).to_have_value("BTC")
