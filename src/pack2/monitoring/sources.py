"""What a process knows of itself, put into its recorder once a second: cache, collector, the process."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Final

import psutil

from pack2.cache.refresher import OUTCOMES as AHEAD
from pack2.cache.statistics import OUTCOMES
from pack2.monitoring.recorder import Recorder

if TYPE_CHECKING:
    from pack2.cache.cache import Cache

HITS: Final = frozenset(("hit", "hit_redis", "stale"))


class CacheSource:
    """The statistics of `cache`: both tiers, tags, change feed, refresh-ahead."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def __call__(self, recorder: Recorder) -> None:
        self._count_reads(recorder)
        cache = self._cache
        recorder.gauge("pack2_cache_memory_entries", len(cache.memory))
        recorder.gauge("pack2_cache_memory_bytes", cache.memory.size_bytes)
        recorder.gauge("pack2_cache_memory_budget_bytes", cache.memory.budget_bytes)
        recorder.gauge("pack2_cache_tags", len(cache.tags))
        recorder.gauge("pack2_cache_loads", cache.loads_under_way)
        recorder.gauge("pack2_cache_feed_trusted", cache.is_trusted())
        recorder.total("pack2_cache_evictions_total", cache.memory.evictions)
        for outcome in AHEAD:
            recorder.total("pack2_cache_refresh_ahead_total", cache.refresher.counts[outcome], (outcome,))
        if cache.feed is not None:
            recorder.total("pack2_cache_feed_messages_total", cache.feed.messages)
            recorder.total("pack2_cache_feed_flushes_total", cache.feed.flushes)
        if cache.redis is not None:
            recorder.gauge("pack2_cache_redis_up", cache.redis.breaker.is_closed)
            recorder.total("pack2_cache_redis_errors_total", cache.redis.errors)

    def _count_reads(self, recorder: Recorder) -> None:
        outcomes = dict.fromkeys(OUTCOMES, 0)
        routes: dict[tuple[str, str], int] = {}
        for (route, outcome), number in self._cache.counters.counts.items():
            outcomes[outcome] += number
            key = route, "cache" if outcome in HITS else "application"
            routes[key] = routes.get(key, 0) + number
        for outcome, number in outcomes.items():
            recorder.total("pack2_cache_requests_total", number, (outcome,))
        for (route, origin), number in routes.items():
            recorder.total("pack2_cache_route_requests_total", number, (route, origin))


class ProcessSource:
    """Processor time, memory, files and threads of this worker, and what its garbage collector does."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._collecting_since = 0.0
        self._pause_seconds = 0.0
        self._is_counted = False
        gc.callbacks.append(self._collecting)

    def __call__(self, recorder: Recorder) -> None:
        if not self._is_counted:
            self._is_counted = True
            recorder.add("pack2_workers_started_total")
            recorder.gauge("pack2_workers", 1)
            recorder.gauge("pack2_worker_start_time_seconds", self._process.create_time())
        with self._process.oneshot():
            self._measure(recorder)
        for generation, figures in enumerate(gc.get_stats()):
            labels = (str(generation),)
            recorder.total("pack2_gc_collections_total", figures["collections"], labels)
            recorder.total("pack2_gc_collected_objects_total", figures["collected"], labels)
            recorder.total("pack2_gc_uncollectable_objects_total", figures["uncollectable"], labels)
        recorder.total("pack2_gc_pause_seconds_total", self._pause_seconds)

    def _measure(self, recorder: Recorder) -> None:
        times = self._process.cpu_times()
        recorder.total("pack2_worker_cpu_seconds_total", times.user, ("user",))
        recorder.total("pack2_worker_cpu_seconds_total", times.system, ("system",))
        switches = self._process.num_ctx_switches()
        recorder.total("pack2_worker_context_switches_total", switches.voluntary, ("voluntary",))
        recorder.total("pack2_worker_context_switches_total", switches.involuntary, ("involuntary",))
        recorder.gauge("pack2_worker_memory_bytes", self._process.memory_info().rss)
        recorder.gauge("pack2_worker_open_files", self._process.num_fds())
        recorder.gauge("pack2_worker_threads", self._process.num_threads())

    def _collecting(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_since = time.perf_counter()
        else:
            self._pause_seconds += time.perf_counter() - self._collecting_since
