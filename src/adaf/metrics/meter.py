"""Counts statements and waits for a connection, by the name of the statement and never by its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adaf.metrics.families import new_recorder

if TYPE_CHECKING:
    from pack2.monitoring import Recorder
    from pack2.monitoring.recorder import Count


class Meter:
    """What the database door of one process tells `recorder`."""

    def __init__(self, recorder: Recorder | None = None) -> None:
        self._recorder = recorder = recorder or new_recorder()
        self._queries: dict[str, tuple[Count, Count]] = {}
        self._duration = recorder.distribution("pack2_database_query_duration_seconds")
        self._errors = recorder.count("pack2_database_query_errors_total")
        self._waits = recorder.count("pack2_database_pool_waits_total")
        self._wait_seconds = recorder.count("pack2_database_pool_wait_seconds_total")
        self._no_connection = recorder.count("pack2_database_pool_failures_total")

    def ran(self, name: str, seconds: float) -> None:
        """Statement `name` took `seconds`, however it ended."""
        cells = self._queries.get(name)
        if cells is None:
            count = self._recorder.count("pack2_database_queries_total", (name,))
            cells = count, self._recorder.count("pack2_database_query_seconds_total", (name,))
            self._queries[name] = cells
        cells[0].value += 1
        cells[1].value += seconds
        self._duration.observe(seconds)

    def failed(self) -> None:
        """A statement ended in an error."""
        self._errors.value += 1

    def waited(self, seconds: float) -> None:
        """A connection was asked for, and had or refused after `seconds`."""
        self._waits.value += 1
        self._wait_seconds.value += seconds

    def no_connection(self) -> None:
        """There was none to be had."""
        self._no_connection.value += 1
