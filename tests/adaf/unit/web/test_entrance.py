"""Where a sign-in leads, and who is answered with a page."""

from __future__ import annotations

import pytest
from litestar.testing import RequestFactory

from adaf.problem import HANDLERS, NotFound, NotSignedIn, Problem
from adaf.web.entrance import local
from adaf.web.errors import for_browsers, page_of, wants_page


@pytest.mark.parametrize("path", ["/", "/market", "/market/BTC?timeframe=1h", "/portfolio/7?side=buy"])
def test_a_sign_in_leads_on_to_a_page_of_ours(path):
    """The page that was asked for comes after the sign-in."""
    assert local(path) == path


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.test/", "//evil.test", "/\\evil.test", "market", "", "/x\r\nSet-Cookie: a=b",
     "javascript:alert(1)",     "/api/market/quotes", "/panels/overview/totals"],
)  # fmt: skip
def test_a_sign_in_never_leads_elsewhere(elsewhere):
    """No foreign address, no header, no answer for programs: the overview instead."""
    assert local(elsewhere) == "/"


def request(path: str, accept: str = "text/html", **query: str):
    return RequestFactory().get(path, headers={"Accept": accept}, query_params=query or None)


@pytest.mark.parametrize(
    ("path", "accept", "page"),
    [
        ("/market", "text/html,application/xhtml+xml,*/*;q=0.8", True),
        ("/market", "*/*", False),
        ("/market", "application/json", False),
        ("/api/market/quotes", "text/html", False),
    ],
)
def test_people_get_pages_and_programs_get_problem_documents(path, accept, page):
    """The API never answers with HTML, and no other client does unless it asks for HTML by name."""
    assert wants_page(request(path, accept)) is page


def test_nobody_signed_in_is_sent_to_the_form_and_back():
    """The sign-in form knows the page that was asked for."""
    answer = for_browsers(HANDLERS)[Problem](request("/market/BTC", timeframe="1d"), NotSignedIn())
    assert answer.status_code == 303
    assert answer.url == "/sign-in?next=%2Fmarket%2FBTC%3Ftimeframe%3D1d"


def test_a_panel_is_refused_and_not_replaced_by_a_form():
    """A fragment's answer is never the sign-in page; the browser's code then loads the page again."""
    problem = HANDLERS[Problem](request("/panels/overview/totals"), NotSignedIn())
    assert page_of(request("/panels/overview/totals"), problem).status_code == 401


def test_an_error_page_keeps_status_and_headers_and_tells_no_more_than_the_api():
    """Somebody else's portfolio and none at all look alike."""
    problem = HANDLERS[Problem](request("/portfolio/9"), NotFound("portfolio"))
    page = page_of(request("/portfolio/9"), problem)
    assert page.status_code == 404
    assert "There is nothing here" in page.content
    assert page.headers["Cache-Control"] == "no-store"
