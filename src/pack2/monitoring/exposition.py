"""The metrics as text, Prometheus' own or OpenMetrics: what all workers counted, what the servers told."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import psutil
from prometheus_client import CollectorRegistry, multiprocess
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from pack2.monitoring.families import Family
from pack2.monitoring.probes import Reading
from pack2.monitoring.recorder import Recorder

_multiprocess: Any = multiprocess  # has no types

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus-client's: an empty folder that all workers of one server share, set before they start."""


def expose(
    recorder: Recorder, readings: Sequence[Reading], families: Mapping[str, Family], accept: str
) -> tuple[bytes, str]:
    """The text and its media type, as `accept` asks for it. `families` are those of the readings."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Workers(recorder))
    registry.register(_Servers(readings, families))
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


class _Workers:
    """What processes counted: all of the server's, or this one where there is no shared folder."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def collect(self) -> Iterator[Metric]:
        folder = os.environ.get(FOLDER_VARIABLE)
        if folder:
            yield from _multiprocess.MultiProcessCollector.merge(files(Path(folder)))
            return
        for metric in self._recorder.registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


class _Servers:
    def __init__(self, readings: Iterable[Reading], families: Mapping[str, Family]) -> None:
        self._readings = readings
        self._families = families

    def collect(self) -> Iterator[Metric]:
        metrics: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
        for reading in self._readings:
            family = self._families[reading.name]
            metric = metrics.get(family.name)
            if metric is None:
                kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
                metric = metrics[family.name] = kind(family.name, family.text, labels=family.labels)
            metric.add_metric(reading.labels, reading.value)
        yield from metrics.values()


def files(folder: Path) -> list[str]:
    """What processes handed over to `folder`. The gauges of those that are gone are removed, what they
    counted stays; several scrapes may do this at once, and a worker may just be starting.
    """
    found = []
    for path in folder.glob("*.db"):
        if path.stem.startswith("gauge_") and not _is_alive(int(path.stem.rpartition("_")[2])):
            path.unlink(missing_ok=True)
        elif _size_bytes(path):
            found.append(str(path))
    return found


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
