"""What is recommended: a finding that was measured, and the one command that acts on it."""

from __future__ import annotations

from typing import Final

import msgspec

AREAS: Final = ("index", "query", "cache", "scaling", "maintenance")


class Recommendation(msgspec.Struct, frozen=True):
    """`weight_seconds` orders the list: seconds of the database that the finding cost since the statistics
    began, 0 where that is not known. `command` is a shell command, in
    the area index a statement, for a policy its line in pack2.toml.
    """

    area: str
    subject: str
    advice: str
    evidence: str
    command: str
    weight_seconds: float = 0.0
