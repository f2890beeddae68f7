"""What a process knows of itself, as its recorder is told."""

from __future__ import annotations

import gc
import time

from pack2.monitoring import Recorder
from pack2.monitoring.sources import ProcessSource


def value(recorder: Recorder, name: str, **labels: str) -> float:
    recorder.collect()
    found = recorder.registry.get_sample_value(name, labels)
    assert found is not None
    return found


def test_collections_are_counted_and_timed() -> None:
    """A full collection is one more of its generation, and its pause is part of the time."""
    recorder = Recorder()
    recorder.sources.append(ProcessSource())
    full = value(recorder, "pack2_gc_collections_total", generation="2")
    freed = value(recorder, "pack2_gc_collected_objects_total", generation="2")
    paused = value(recorder, "pack2_gc_pause_seconds_total")
    ring: list[object] = []
    ring.append(ring)
    del ring
    gc.collect()
    assert value(recorder, "pack2_gc_collections_total", generation="2") >= full + 1
    assert value(recorder, "pack2_gc_collected_objects_total", generation="2") >= freed + 1
    assert value(recorder, "pack2_gc_pause_seconds_total") > paused


def test_a_worker_is_one_with_a_start_and_memory() -> None:
    """Asked twice it has been started once."""
    recorder = Recorder()
    recorder.sources.append(ProcessSource())
    for _ in range(2):
        assert value(recorder, "pack2_workers") == 1
    assert value(recorder, "pack2_workers_started_total") == 1
    assert 0 < time.time() - value(recorder, "pack2_worker_start_time_seconds") < 24 * 3600
    assert value(recorder, "pack2_worker_memory_bytes") > 1_000_000
    assert value(recorder, "pack2_worker_open_files") > 0
    assert value(recorder, "pack2_worker_cpu_seconds_total", mode="user") > 0
