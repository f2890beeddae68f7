"""Puts Pack 2's metrics in front of the dashboard: its routes, its pool, its market data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from litestar import Litestar
from litestar.routes import HTTPRoute

from adaf.metrics.families import PROBED
from pack2.monitoring import Probe, Reading, Recorder, instrument

if TYPE_CHECKING:
    from adaf.settings import Settings
    from pack2.cache import Cache
    from pack2.http.identity import ASGIApp

PATH = "/api/metrics"


def with_metrics(
    asgi: ASGIApp, application: Litestar, settings: Settings, cache: Cache | None = None
) -> ASGIApp:
    """`asgi`, which `application` is behind, with its requests counted and its metrics at PATH."""
    state = application.state

    async def market() -> Sequence[Reading]:
        lag_seconds = await state.database.value("metrics_market_lag")
        return [] if lag_seconds is None else [Reading("adaf_market_data_lag_seconds", lag_seconds)]

    def worker(recorder: Recorder) -> None:
        recorder.gauge("adaf_strategy_calculations_waiting", state.calculator.pending)
        recorder.gauge("pack2_live_streams", state.live.streams)

    return instrument(
        asgi,
        recorder=state.metrics,
        routes=templates(application),
        identify=state.sessions.identify,
        database_url=settings.database_url,
        redis_url=settings.redis_url,
        cache=cache,
        sources=(state.database.report, worker),
        probes=(Probe("", market),),
        families=PROBED,
        path=PATH,
    )


def templates(application: Litestar) -> list[str]:
    """The routes as Pack 2 writes them: `{symbol}`, `{portfolio_id:int}`; `/static/` is all below it."""
    return [
        re.sub(r":(?!int)\w+\}", "}", route.path) if isinstance(route, HTTPRoute) else f"{route.path}/"
        for route in application.routes
    ]
