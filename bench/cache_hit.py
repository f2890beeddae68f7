"""What a memory hit costs: CPU time of the whole middleware for a signed-in user's 2.7 KB answer.

python bench/cache_hit.py            # µs a request: identity, key, freshness, headers, two sends; metrics
python bench/cache_hit.py --profile  # where they go
"""

from __future__ import annotations

import asyncio
import cProfile
import json
import pstats
import sys
import time
from typing import Any

from pack2.cache import Cache
from pack2.config import HttpPolicy
from pack2.http import CacheMiddleware, Identity
from pack2.monitoring import Recorder
from pack2.monitoring.middleware import MetricsMiddleware

BODY = json.dumps(
    [{"symbol": f"AS{n}", "quantity": n * 1.25, "price": n * 100.5} for n in range(58)]
).encode()
REQUESTS = 20_000
ROUNDS = 7
HEADERS = [
    (b"host", b"127.0.0.1:8000"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"),
    (b"accept", b"application/json"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"accept-language", b"en-GB,en;q=0.9"),
    (b"cookie", b"adaf_session=" + b"k" * 43),
    (b"referer", b"http://127.0.0.1:8000/portfolio/7"),
]
SCOPE = {
    "type": "http",
    "method": "GET",
    "scheme": "http",
    "path": "/api/portfolios/7/positions",
    "raw_path": b"/api/portfolios/7/positions",
    "query_string": b"days=30",
}
POLICY = HttpPolicy(
    route="/api/portfolios/{portfolio_id:int}/positions",
    scope="private",
    ttl_seconds=300,
    tags=("portfolio:{portfolio_id}", "quotes", "assets"),
)


async def application(_scope: Any, _receive: Any, send: Any) -> None:
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}
    )
    await send({"type": "http.response.body", "body": BODY})


async def identify(_scope: Any) -> Identity:
    return Identity("7", frozenset({"viewer"}), "session:7", time.time() + 3600)


async def receive() -> dict[str, object]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(_message: Any) -> None:
    return None


async def requests(middleware: CacheMiddleware | MetricsMiddleware, number: int) -> float:
    """CPU seconds of `number` requests, each with headers of its own as a server would make them."""
    started = time.process_time()
    for _ in range(number):
        await middleware({**SCOPE, "headers": list(HEADERS)}, receive, send)
    return time.process_time() - started


async def main() -> None:
    async with Cache() as cache:
        middleware = CacheMiddleware(application, cache=cache, identify=identify, policies=[POLICY])
        await requests(middleware, 100)
        if "--profile" in sys.argv:
            with cProfile.Profile() as profile:
                await requests(middleware, REQUESTS)
            pstats.Stats(profile).sort_stats("tottime").print_stats(15)
            return
        counted = MetricsMiddleware(middleware, Recorder(), [POLICY.route])
        both = [
            (await requests(middleware, REQUESTS), await requests(counted, REQUESTS)) for _ in range(ROUNDS)
        ]
        plain, metered = (min(times) / REQUESTS * 1e6 for times in zip(*both, strict=True))
        hits = cache.statistics()["routes"][POLICY.route]["hit"]
        assert hits >= 2 * ROUNDS * REQUESTS
        print(f"{len(BODY)} byte body: {plain:.1f} µs CPU a hit ({hits} hits)")
        print(f"with metrics: {metered:.1f} µs, {metered - plain:.2f} µs more, ×{metered / plain:.2f}")


if __name__ == "__main__":
    asyncio.run(main())
