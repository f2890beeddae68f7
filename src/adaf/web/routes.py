"""Every page, panel and static file."""

from __future__ import annotations

from adaf.web import (
    alerts,
    entrance,
    market,
    overview,
    portfolio,
    reports,
    search,
    signals,
    strategies,
    strategy,
)
from adaf.web.static_files import static_files

routes = [
    *entrance.routes,
    *overview.routes,
    *market.routes,
    *portfolio.routes,
    *strategies.routes,
    *strategy.routes,
    *signals.routes,
    *alerts.routes,
    *search.routes,
    *reports.routes,
    static_files,
]
