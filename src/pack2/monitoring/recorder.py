"""One process's metrics: plain cells on the hot path, handed to prometheus-client once a second.

prometheus-client's multi-process mode keeps them in files, one a process: what a worker counted stays counted
when it is killed, and a scrape of any worker answers for all. Counting costs an addition; the files are
touched by `flush` alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Multiset
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pack2.monitoring.families import PROCESS, Family

Labels = tuple[str, ...]
MOST_SERIES: Final = 2000
OVERFLOW: Final = "other"
"""A family has at most MOST_SERIES; what comes after them shares the one whose labels are OVERFLOW."""
Source: TypeAlias = "Callable[[Recorder], None]"
"""Puts what a part of the process knows into the recorder: its gauges, and totals of its own."""
_GAUGE_MODES: Final[dict[str, Any]] = {"sum": "livesum", "max": "livemax", "min": "livemin"}


class Count:
    """What was counted since the last flush."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0


class Distribution:
    """Values since the last flush: `counts` by bucket, the last one for what is above all edges."""

    __slots__ = ("counts", "edges", "total")

    def __init__(self, edges: tuple[float, ...]) -> None:
        self.edges = edges
        self.counts = [0] * (len(edges) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.edges, value)] += 1
        self.total += value


class Recorder:
    """Counts what happens in this process. Names and labels are those of PROCESS and of `families`, the
    application's own; any other name is a KeyError. `sources` are asked before each hand-over. All of it is
    for the event loop's thread.
    """

    def __init__(self, families: Mapping[str, Family] | None = None) -> None:
        self.registry = CollectorRegistry()
        self.families = {**PROCESS, **(families or {})}
        self.sources: list[Source] = []
        self._metrics: dict[str, Any] = {}
        self._series: Multiset[str] = Multiset()
        self._counts: dict[tuple[str, Labels], Count] = {}
        self._distributions: dict[tuple[str, Labels], Distribution] = {}
        self._children: dict[tuple[str, Labels], Any] = {}
        self._totals: dict[tuple[str, Labels], float] = {}

    def count(self, name: str, labels: Labels = ()) -> Count:
        """The cell of a counter; it is exported from now on, as 0 until something is added."""
        cell = self._counts.get((name, labels))
        if cell is None:
            key = self._admitted(name, labels)
            cell = self._counts.setdefault(key, Count())
        return cell

    def distribution(self, name: str, labels: Labels = ()) -> Distribution:
        """The cell of a histogram; it is exported from now on."""
        cell = self._distributions.get((name, labels))
        if cell is None:
            key = self._admitted(name, labels)
            cell = self._distributions.setdefault(key, Distribution(self.families[name].buckets))
        return cell

    def add(self, name: str, labels: Labels = (), amount: float = 1.0) -> None:
        """Count `amount` more of a counter."""
        self.count(name, labels).value += amount

    def observe(self, name: str, value: float, labels: Labels = ()) -> None:
        """One more value of a histogram."""
        self.distribution(name, labels).observe(value)

    def total(self, name: str, value: float, labels: Labels = ()) -> None:
        """A counter whose total in this process is known; only what it grew by is counted."""
        known = self._totals.get((name, labels), 0.0)
        self.count(name, labels).value += max(0.0, value - known)
        self._totals[name, labels] = value

    def gauge(self, name: str, value: float, labels: Labels = ()) -> None:
        """Set a gauge of this process."""
        child = self._children.get((name, labels))
        if child is None:
            child = self._child(self._admitted(name, labels))
        child.set(value)

    def collect(self) -> None:
        """Ask the sources, and hand over."""
        for source in self.sources:
            source(self)
        self.flush()

    def flush(self) -> None:
        """Hand over what was counted since the last time."""
        for key, count in self._counts.items():
            child = self._child(key)
            if count.value:
                child.inc(count.value)
                count.value = 0.0
        for key, distribution in self._distributions.items():
            child = self._child(key)
            if any(distribution.counts):
                _add(child, distribution)
                distribution.counts = [0] * len(distribution.counts)
                distribution.total = 0.0

    def _admitted(self, name: str, labels: Labels) -> tuple[str, Labels]:
        """The key of a series that may be new: within the limit, else the one of all the rest."""
        family = self.families[name]
        if len(labels) != len(family.labels):
            raise KeyError(f"{name} has the labels {family.labels}")
        if self._series[name] >= MOST_SERIES:
            return name, (OVERFLOW,) * len(labels)
        self._series[name] += 1
        return name, labels

    def _child(self, key: tuple[str, Labels]) -> Any:
        child = self._children.get(key)
        if child is None:
            name, labels = key
            metric = self._metrics.get(name)
            if metric is None:
                metric = self._metrics[name] = self._made(self.families[name])
            child = self._children[key] = metric.labels(*labels) if labels else metric
        return child

    def _made(self, family: Family) -> Any:
        name, text, labels = family.name, family.text, family.labels
        if family.kind == "counter":
            return Counter(name, text, labels, registry=self.registry)
        if family.kind == "histogram":
            return Histogram(name, text, labels, buckets=family.buckets, registry=self.registry)
        return Gauge(name, text, labels, registry=self.registry, multiprocess_mode=_GAUGE_MODES[family.merge])


def _add(histogram: Any, distribution: Distribution) -> None:
    """What many `observe` would do, at once: a test compares the two, since it knows the inside."""
    for bucket, count in zip(histogram._buckets, distribution.counts, strict=True):
        if count:
            bucket.inc(count)
    histogram._sum.inc(distribution.total)
