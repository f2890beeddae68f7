"""The values of the alert routes."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Kind = Literal["price_above", "price_below", "drawdown", "volume_spike"]


class Alert(msgspec.Struct, frozen=True):
    """Something that the user wanted to be told."""

    id: int
    kind: Kind
    symbol: str
    threshold: float
    message: str
    is_read: bool
    triggered_at: datetime


class AlertCount(msgspec.Struct, frozen=True):
    """How many alerts of a kind there are."""

    kind: Kind
    total_count: int
    unread_count: int
