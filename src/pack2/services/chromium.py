"""Finds a Chromium for page loads in a real browser, and the arguments that keep it quiet."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pack2.errors import Pack2Error

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-dev-shm-usage",
)


class ChromiumMissingError(Pack2Error):
    """There is no Chromium or Chrome here. Install one (`apt-get install chromium`,
    `brew install --cask chromium`), or name its program in PACK2_CHROMIUM, and run this again."""


def find_chromium() -> Path:
    """The browser's program: PACK2_CHROMIUM, else the system's. Raises ChromiumMissingError."""
    if named := os.environ.get("PACK2_CHROMIUM"):
        if not os.access(named, os.X_OK):
            raise ChromiumMissingError
        return Path(named)
    for candidate in [*map(shutil.which, _NAMES), *_APPLICATIONS]:
        if candidate and os.access(candidate, os.X_OK):
            return Path(candidate)
    raise ChromiumMissingError


def find_headless_shell() -> Path:
    """The browser for measuring page loads: PACK2_CHROMIUM, else the system's headless shell, else as
    `find_chromium`. The shell has no windows of its own that would take time from the measured page."""
    shell = None if os.environ.get("PACK2_CHROMIUM") else shutil.which("chromium-headless-shell")
    return Path(shell) if shell else find_chromium()


def launch_arguments() -> list[str]:
    """Command-line arguments for playwright's `launch(args=…)`; Chromium's sandbox refuses root."""
    return [*_QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
