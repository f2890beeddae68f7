"""docs/configuration.md is kept true: every setting is on it, and nothing that is none."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from pack2 import config

PAGE = (Path(__file__).parents[2] / "docs/configuration.md").read_text(encoding="utf-8")
SECTIONS: dict[str, type[msgspec.Struct]] = {
    "## Top level": config.Config,
    "### `[[rollups]]`": config.Rollup,
    "## `[application]`": config.Application,
    "### `[application.accounts]`": config.Accounts,
    "## `[cache]`": config.CacheSection,
    "### `[[cache.feed]]`": config.FeedTable,
    "## `[browser]`": config.Browser,
    "## `[http]`": config.Http,
    "### `[[http.policy]]`": config.HttpPolicy,
    "## `[schedule]`": config.Schedule,
    "### `[[schedule.task]]`": config.ScheduledTask,
    "## `[monitoring]`": config.Monitoring,
    "### `[[monitoring.panel]]`": config.MonitoringPanel,
}
HAVE_SECTIONS = {"application", "http", "cache", "schedule", "browser", "monitoring"}


def documented(heading: str) -> set[str]:
    """The keys in the table below `heading`."""
    section = PAGE.split(heading + "\n", 1)[1]
    return set(re.findall(r"^\| `(\w+)` \|", re.split(r"^#", section, maxsplit=1, flags=re.M)[0], flags=re.M))


@pytest.mark.parametrize("heading", SECTIONS)
def test_each_section_lists_its_settings(heading: str) -> None:
    """A setting that is added or renamed without its line on the page makes the suite fail."""
    fields = set(SECTIONS[heading].__struct_fields__)
    if heading == "## Top level":
        fields -= HAVE_SECTIONS
    assert documented(heading) == fields
