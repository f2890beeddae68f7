"""The colours of `adaf.css`: text and marks can be told from their ground, light and dark (WCAG 2.2 AA)."""

from __future__ import annotations

import re
from importlib import resources

import pytest

CSS = (resources.files("adaf.web") / "static" / "adaf.css").read_text()
PAIRS = dict(re.findall(r"--([\w-]+): light-dark\((#\w{6}, #\w{6})\)", CSS))
THEMES = ("light", "dark")
TEXTS = ("text", "muted", "accent", "up", "down", "warn")
GROUNDS = ("ground", "panel", "raised")
MARKS = ("control", "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7")


def colour(name: str, theme: str) -> str:
    return PAIRS[name].split(", ")[THEMES.index(theme)]


def luminance(code: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2, "relative luminance")."""
    parts = [int(code[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_the_standard_does():
    """Black on white is 21 : 1, a colour on itself 1 : 1."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert contrast("#123456", "#123456") == 1


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("text", TEXTS)
def test_text_has_a_contrast_of_at_least_four_and_a_half(text, ground, theme):
    """Text of any size on any ground (success criterion 1.4.3)."""
    assert contrast(colour(text, theme), colour(ground, theme)) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("mark", MARKS)
def test_marks_have_a_contrast_of_at_least_three(mark, theme):
    """Borders of fields and parts of charts on a panel (success criterion 1.4.11)."""
    assert contrast(colour(mark, theme), colour("panel", theme)) >= 3


@pytest.mark.parametrize("theme", THEMES)
def test_the_main_button_is_readable(theme):
    """Its words on its colour."""
    assert contrast(colour("on-accent", theme), colour("accent", theme)) >= 4.5


def test_every_colour_comes_from_the_palette():
    """No rule brings a colour past the contrast test: hex codes stand in the palette and in print only."""
    rules = CSS[CSS.index("}") :].replace("background: #fff;", "")
    assert re.findall(r"#[0-9a-f]{3,8}\b", rules) == []
    used = set(re.findall(r"var\(--([\w-]+)\)", CSS))
    assert used <= set(PAIRS) | {"gap", "radius", "mono", "side"}


def test_motion_and_focus_are_kept():
    """People who asked for less motion get none, and the focus is always seen."""
    assert "prefers-reduced-motion: reduce" in CSS
    assert ":focus-visible { outline: 2px solid var(--accent)" in CSS
    assert "outline: none" not in CSS.replace("main:focus { outline: none; }", "")
