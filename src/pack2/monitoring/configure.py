"""Puts the metrics in front of an application: one call, outermost, around the cache."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pack2.http.identity import ASGIApp, Identify
from pack2.monitoring import probes as ready_made
from pack2.monitoring.endpoint import MetricsEndpoint
from pack2.monitoring.families import Family
from pack2.monitoring.middleware import MetricsMiddleware
from pack2.monitoring.probes import Probe
from pack2.monitoring.recorder import Recorder, Source
from pack2.monitoring.sources import CacheSource, ProcessSource

if TYPE_CHECKING:
    from pack2.cache.cache import Cache


def instrument(
    app: ASGIApp,
    *,
    recorder: Recorder,
    routes: Iterable[str],
    identify: Identify,
    database_url: str,
    redis_url: str | None = None,
    cache: Cache | None = None,
    sources: Iterable[Source] = (),
    probes: Iterable[Probe] = (),
    families: Mapping[str, Family] | None = None,
    path: str = "/api/metrics",
    role: str = "operator",
    token: str | None = None,
) -> MetricsMiddleware:
    """`app` with its requests counted by `routes` (templates such as `/notes/{id:int}`) and the metrics at
    `path`, for the scraper's `token` (PACK2_METRICS_TOKEN unless given) and users with `role`.

    `sources` put the application's own figures into `recorder`, `probes` read them at each scrape; `families`
    are those of the probes.
    """
    asked = [ready_made.MACHINE, ready_made.postgresql(database_url), *probes]
    if redis_url is not None:
        asked.append(ready_made.redis(redis_url))
    endpoint = MetricsEndpoint(
        recorder, identify=identify, role=role, probes=asked, families=families, token=token
    )
    recorder.sources.append(ProcessSource())
    if cache is not None:
        recorder.sources.append(CacheSource(cache))
    recorder.sources.extend(sources)
    return MetricsMiddleware(app, recorder, routes, endpoint=endpoint, path=path)
