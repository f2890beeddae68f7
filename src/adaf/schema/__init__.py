"""The schema as SQL files in order: tables and views first, constraints once the data is in."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def before_data() -> str:
    """Tables, functions and views."""
    return "\n".join(
        (_HERE / name).read_text(encoding="utf-8") for name in ("010_tables.sql", "020_views.sql")
    )


def after_data() -> str:
    """Keys of the large tables, foreign keys: one pass over each table."""
    return (_HERE / "030_constraints.sql").read_text(encoding="utf-8")
