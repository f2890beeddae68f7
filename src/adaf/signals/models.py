"""The values of the signal routes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

Direction = Literal["buy", "sell", "hold"]


class Signal(msgspec.Struct, frozen=True):
    """What a strategy said about an asset; `strength` is 0 to 1, `payload` has tags, indicators and model."""

    id: int
    strategy_id: int
    strategy: str
    symbol: str
    ts: datetime
    direction: Direction
    strength: float
    payload: dict[str, Any]
