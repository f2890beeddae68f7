"""Searching in a browser: by keyboard in the header, while one types on the page, and without scripts."""

from __future__ import annotations

import re

from playwright.sync_api import expect


def test_the_header_finds_by_keyboard_alone(visit):
    """Suggestions while typing; arrows choose and are told, Escape closes, Enter opens what is chosen."""
    seen = visit()
    page = seen.sign_in()
    seen.settle()
    field = page.get_by_role("combobox", name="Find anything")
    options = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
    expect(field).to_have_attribute("aria-expanded", "false")
    field.fill("btc")  # one input, so that no later answer renews the list under the arrows
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(options.first).to_contain_text("Bitcoin")
    for key, place in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1)):
        field.press(key)
        expect(field).to_have_attribute("aria-activedescendant", f"suggestion-{place}")
        expect(options.nth(place - 1)).to_have_attribute("aria-selected", "true")
    field.press("Escape")
    expect(options.first).to_be_hidden()
    expect(field).to_be_focused()
    field.press("ArrowDown")
    expect(options.first).to_be_visible()
    field.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    field.press("ArrowDown")
    field.press("Enter")
    page.wait_for_url("**/market/BTC")
    assert seen.problems == []


def test_enter_without_a_choice_searches(visit):
    """Then the page has the results, and its own field follows what is typed."""
    seen = visit()
    page = seen.sign_in()
    field = page.get_by_role("combobox", name="Find anything")
    field.fill("momentum")
    field.press("Enter")
    page.wait_for_url("**/search?q=momentum")
    expect(page.locator("#results mark").first).to_have_text(re.compile("momentum", re.IGNORECASE))
    page.get_by_role("link", name="Strategies", exact=True).last.click()
    page.wait_for_url("**/search?q=momentum&kind=strategies")
    page.locator("#q").fill("nosuchthing")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    expect(page.locator("#q")).to_be_focused()
    assert seen.problems == []


def test_searching_without_scripts(visit):
    """The header's field is a form that leads to the same results; they lead on to a note."""
    page = visit(java_script_enabled=False).sign_in()
    page.get_by_label("Find anything").fill("liquidity")
    page.get_by_role("button", name="Find").click()
    page.wait_for_url("**/search?q=liquidity")
    page.locator("#results .notes a").first.click()
    page.wait_for_url(re.compile(r"/research/\d+$"))
    expect(page.get_by_role("heading", level=2, name="Research note")).to_be_visible()


def test_the_navigation_shows_where_one_is_on_a_narrow_screen(visit):
    """It is wider than the screen: the current page's link is in sight, the search is one press away."""
    seen = visit(width=390)
    page = seen.sign_in(path="/alerts")
    link = page.get_by_role("navigation", name="Main").get_by_role("link", name="Alerts")
    expect(link).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Find").click()
    page.wait_for_url("**/search?q=")
    expect(page.locator("#q")).to_be_focused()
    assert seen.problems == []
