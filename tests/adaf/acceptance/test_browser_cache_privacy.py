"""Nobody is ever shown what belongs to another, not for one frame.

A page says so itself, by an observer that is there before its first element.
"""

from __future__ import annotations

import contextlib

import pytest
from browser_site import (
    AT_SIGN_IN,
    FROM_WORKER,
    Person,
    controlled,
    warm,
)
from dashboard_site import until
from playwright.sync_api import Error, Page


def ask_for_the_portfolio(page: Page, person: Person, offline: bool) -> None:
    """Without the server the browser says so itself: nothing is painted in its place."""
    with pytest.raises(Error, match="ERR_") if offline else contextlib.nullcontext():
        page.goto(person.site.url + "/portfolio")


@pytest.mark.parametrize("offline", [False, True])
def test_another_user_never_sees_it_after_a_sign_out(
    kept: Page, person: Person, secret: str, offline: bool
) -> None:
    """Sign-out, sign-in as another: the same addresses, with the server and without it."""
    kept.get_by_role("button", name="Sign out").click()
    until(kept, AT_SIGN_IN)
    person.watch_for(secret)
    page = person.tab()
    person.sign_in(page, "viewer")
    with person.site.away(offline):
        for path in ("/portfolio", "/"):
            with contextlib.suppress(Error):  # the viewer's own, if the worker has it by now, is led away
                page.goto(person.site.url + path)
            at = (
                "location.href.startsWith('chrome-error:')"
                if offline
                else "document.querySelector('main h1')"
            )
            until(page, at)
    assert person.sightings == []


@pytest.mark.deep
def test_the_observer_sees_what_it_looks_for(kept: Page, person: Person, secret: str) -> None:
    """So that the other tests can fail: the trader's own page is seen, painted by the worker."""
    person.watch_for(secret)
    warm(person.tab(), person.site.url + "/portfolio")
    assert person.sightings


@pytest.mark.parametrize("offline", [False, True])
def test_a_cookie_that_was_replaced_shows_nothing_of_the_one_before(
    kept: Page, person: Person, secret: str, offline: bool
) -> None:
    """The worker can not read the cookie; the browser's own cache answers for the same one alone."""
    kept.close()
    person.become("viewer")
    person.watch_for(secret)
    page = person.tab()
    with person.site.away(offline):
        ask_for_the_portfolio(page, person, offline)
        assert offline or not page.evaluate(FROM_WORKER)
    assert person.sightings == []


@pytest.mark.parametrize("offline", [False, True])
def test_without_a_cookie_nothing_is_shown(kept: Page, person: Person, secret: str, offline: bool) -> None:
    """A session that ended with its cookie leaves nothing behind."""
    kept.close()
    person.context.clear_cookies()
    person.watch_for(secret)
    page = person.tab()
    with person.site.away(offline):
        ask_for_the_portfolio(page, person, offline)
        assert offline or "/sign-in" in page.url
    assert person.sightings == []


def test_a_session_that_the_server_ended_is_left_at_once(kept: Page, person: Person, secret: str) -> None:
    """The cookie is still there: the page gives way to the sign-in form, and the next visit shows nothing."""
    address = person.site.url + "/portfolio"
    kept.close()
    person.site.execute("DELETE FROM sessions")
    page = person.tab()
    page.goto(address)
    until(page, AT_SIGN_IN)
    person.watch_for(secret)
    later = person.tab()
    later.goto(address)
    until(later, AT_SIGN_IN)
    assert person.sightings == []


def test_a_sign_out_reaches_the_other_tabs(kept: Page, person: Person, secret: str) -> None:
    """A page that stays open in another tab is left as well."""
    other = person.tab()
    other.goto(person.site.url + "/portfolio")
    controlled(other)
    other.wait_for_load_state("networkidle")
    kept.get_by_role("button", name="Sign out").click()
    until(kept, AT_SIGN_IN)
    until(other, AT_SIGN_IN)
    assert secret not in other.content()


@pytest.mark.deep
def test_going_back_shows_nothing_of_the_one_before(kept: Page, person: Person, secret: str) -> None:
    """Neither by the browser's store of whole pages nor by its history."""
    person.watch_for(secret)
    kept.goto(person.site.url + "/portfolio")
    kept.goto(person.site.url + "/market")
    kept.get_by_role("button", name="Sign out").click()
    until(kept, AT_SIGN_IN)
    person.sign_in(kept, "viewer")
    person.look_from_now()
    for _ in range(4):
        with contextlib.suppress(Error):  # the page that came back is loaded again
            kept.go_back(wait_until="commit")
        until(kept, "document.readyState === 'complete'")
    assert person.sightings == []


@pytest.mark.deep
def test_a_page_that_comes_back_from_memory_is_hidden_until_it_is_known(person: Person, secret: str) -> None:
    """The cookie was replaced while the page was frozen: it comes back hidden, and is then loaded again."""
    person.watch_for(secret)
    page = person.enter()
    page.goto(person.site.url + "/portfolio")
    page.wait_for_load_state("networkidle")
    page.goto(person.site.url + "/market")
    page.wait_for_load_state("networkidle")
    person.become("viewer")
    person.look_from_now()
    page.go_back(wait_until="commit")
    until(page, "getComputedStyle(document.documentElement).visibility !== 'hidden'")
    assert "CAME BACK" in person.said
    assert person.sightings == []
