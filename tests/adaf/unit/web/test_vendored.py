"""Vendored libraries are what their publishers released, with their licences."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

import adaf.web

STATIC = Path(adaf.web.__file__).parent / "static"
VENDOR = STATIC / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())
FILES = [(library, name) for library in MANIFEST for name in library["files"]]


def folder(library: dict) -> Path:
    return VENDOR / f"{library['name']}-{library['version']}"


@pytest.mark.parametrize(("library", "name"), FILES, ids=[name for _, name in FILES])
def test_a_vendored_file_has_the_published_content(library, name):
    """SHA-256 of the file, without what the manifest says was appended, is the recorded one."""
    entry = library["files"][name]
    appended = entry.get("appended", "").encode()
    content = (folder(library) / name).read_bytes()
    assert content.endswith(appended)
    assert sha256(content.removesuffix(appended)).hexdigest() == entry["sha256"]


def test_nothing_is_vendored_past_the_manifest():
    """Each file in a library's folder is recorded; a notice that a licence asks for stands beside it."""
    for library in MANIFEST:
        found = {path.name for path in folder(library).iterdir()}
        assert found - {"NOTICE"} == set(library["files"])
    assert {path.name for path in VENDOR.iterdir() if path.is_dir()} == {folder(lib).name for lib in MANIFEST}


def test_licences_permit_an_apache_2_0_product():
    """MIT and Apache-2.0 only, each with its text."""
    assert {library["licence"] for library in MANIFEST} <= {"MIT", "Apache-2.0"}
    assert "Permission is hereby granted" in (VENDOR / "uplot-1.6.32" / "LICENSE").read_text()
    assert "Apache License" in (VENDOR / "lightweight-charts-5.2.1" / "LICENSE").read_text()


def test_the_candle_chart_shows_its_attribution():
    """Lightweight Charts' licence asks for its notice and a link to TradingView on the page."""
    notice = (VENDOR / "lightweight-charts-5.2.1" / "NOTICE").read_text()
    template = (STATIC.parent / "templates" / "panels" / "candles.html").read_text()
    assert "TradingView" in notice
    assert "TradingView Lightweight Charts" in template
    assert "https://www.tradingview.com/" in template
