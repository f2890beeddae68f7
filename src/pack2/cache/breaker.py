"""A circuit breaker: a dead Redis costs three time-outs and then nothing, and is back in use within two
seconds.
"""

from __future__ import annotations

from time import monotonic

FAILURES_TO_OPEN = 3
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 1.0


class Breaker:
    """Closed: all pass. Open: none. After a pause one probe passes; it closes the breaker or doubles the
    pause.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._open_until = 0.0
        self._probe_until = 0.0

    @property
    def is_closed(self) -> bool:
        return self._failures < FAILURES_TO_OPEN

    def allows(self) -> bool:
        """True when a command may be sent now. In the open state one caller a pause gets it: the probe."""
        if self.is_closed:
            return True
        now = monotonic()
        if now < self._open_until or now < self._probe_until:
            return False
        self._probe_until = now + LONGEST_PAUSE_SECONDS
        return True

    def succeeded(self) -> None:
        self._failures = 0
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._probe_until = 0.0

    def failed(self) -> None:
        self._failures += 1
        if self.is_closed:
            return
        self._open_until = monotonic() + self._pause_seconds
        self._probe_until = 0.0
        self._pause_seconds = min(self._pause_seconds * 2, LONGEST_PAUSE_SECONDS)
