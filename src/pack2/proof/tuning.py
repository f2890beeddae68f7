"""What makes a database the tuned one: indexes, rollups and the change feed's triggers, where configured."""

from __future__ import annotations

from pathlib import Path

from pack2.cache import feed_schema
from pack2.config import Config
from pack2.database import indexes, rollups


def tune(url: str, config: Config) -> None:
    """Apply to the database at `url` everything that `config` declares; what is there already stays."""
    path = Path(config.indexes)
    if path.exists():
        indexes.apply(url, path)
    if config.rollups:
        rollups.apply(url, [rollup.view for rollup in config.rollups])
    if config.cache.feed:
        feed_schema.apply(url, config.cache.feed)
