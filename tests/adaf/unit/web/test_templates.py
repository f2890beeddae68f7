"""Templates: escaped, without inline code, complete."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest

import adaf.web
from adaf.portfolios.models import Position
from adaf.web.pages import links, panel
from adaf.web.templating import CONTENT_SECURITY_POLICY, environment, html, json_block

TEMPLATES = Path(adaf.web.__file__).parent / "templates"
ALL = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))
EVIL = '<img src=x onerror="alert(1)">'


@pytest.mark.parametrize("name", ALL)
def test_a_template_has_no_inline_code_or_style(name):
    """What the content security policy would refuse is not written in the first place."""
    text = (TEMPLATES / name).read_text()
    assert re.findall(r"\sstyle=|\son[a-z]+=|javascript:|<style", text) == []
    for script in re.findall(r"<script[^>]*>", text):
        assert "src=" in script or 'type="application/json"' in script or name == "base.html"


def test_the_one_script_inside_a_page_is_the_one_that_the_policy_names():
    """The browser runs it by its digest, byte by byte; nothing else inline runs."""
    page = html("error.html", code=404, title="x", detail="x").content
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert re.findall(r"'sha256-([^']+)'", CONTENT_SECURITY_POLICY) == [digest]
    assert "localStorage" in script


@pytest.mark.parametrize("name", ALL)
def test_a_template_is_valid_and_never_switches_escaping_off(name):
    """It compiles, and no value passes as HTML by a filter."""
    environment().get_template(name)
    assert "|safe" not in (TEMPLATES / name).read_text().replace(" ", "")


@pytest.mark.parametrize("name", [name for name in ALL if "<table" in (TEMPLATES / name).read_text()])
def test_a_table_has_a_caption_and_scoped_headers(name):
    """A screen reader says what a table is and which header a cell belongs to."""
    text = (TEMPLATES / name).read_text()
    assert text.count("<caption") == text.count("<table")
    assert all("scope=" in header for header in re.findall(r"<th\b[^>]*>", text))


@pytest.mark.parametrize("name", [name for name in ALL if name.startswith("panels/")])
def test_a_panel_has_a_heading_that_names_it(name):
    """Each panel is a region with its heading's name; the figures are a list of terms."""
    text = (TEMPLATES / name).read_text()
    named = re.search(r'<section class="panel" aria-labelledby="([\w-]+)"', text)
    assert named is None or f'<h2 id="{named[1]}"' in text
    assert named is not None or '<dl class="panel kpis">' in text


def test_values_are_shown_as_text_and_never_as_html():
    """A hostile name is escaped wherever it stands."""
    evil = Position(
        "BTC", EVIL, EVIL, Decimal(1), Decimal(1), Decimal(1), Decimal(1), Decimal(1), Decimal(0), 0.0, 0.0,
        datetime(2025, 3, 1, tzinfo=UTC),
    )  # fmt: skip
    made = panel("positions", positions=[evil], currency="USD", total_value=Decimal(1))
    assert "<img" not in made
    assert "&lt;img src=x" in made


def test_a_data_block_can_not_be_left():
    """JSON inside a page holds no `<`, and is still the same JSON."""
    assert json_block(["</script><b>"]) == '["\\u003c/script>\\u003cb>"]'


def test_a_page_carries_its_security_headers():
    """Scripts, styles and requests from here only; no framing, no foreign form, no guessing of types."""
    answer = html("fragment.html", made="")
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "default-src 'none'" in CONTENT_SECURITY_POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_equal_values_give_equal_bytes():
    """A page holds nothing random and no clock, so that its ETag is stable."""
    values = {"movers": []}
    assert panel("movers", **values) == panel("movers", **values)


def test_links_of_a_segment_mark_the_current_one():
    """Each option is a page's address and a fragment's address; one is current."""
    made = links([("7 d", "?days=7"), ("30 d", "?days=30")], "/", "/panels/x", "?days=30")
    assert made == [
        ("7 d", "/?days=7", "/panels/x?days=7", False),
        ("30 d", "/?days=30", "/panels/x?days=30", True),
    ]
