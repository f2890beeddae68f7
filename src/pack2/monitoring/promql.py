"""Expressions of Prometheus over the metrics of one application, so that two rules are kept everywhere:
percentiles come from merged histograms, never from other percentiles, and a ratio is one of rates.
"""

from __future__ import annotations

from typing import Final

import msgspec

HITS: Final = 'outcome=~"hit|hit_redis|stale"'
FAILED: Final = 'status="5xx"'
REQUESTS: Final = "pack2_http_requests_total"
RESPONSE: Final = "pack2_http_request_duration_seconds"
QUERY: Final = "pack2_database_query_duration_seconds"
READS: Final = "pack2_cache_requests_total"


class Series(msgspec.Struct, frozen=True):
    """The series of `job`; rates are those of `window`, such as `5m`."""

    job: str
    window: str

    def select(self, family: str, match: str = "") -> str:
        """The series of a family; `match` narrows them by further labels."""
        return f'{family}{{job="{self.job}"{match and ", " + match}}}'

    def rate(self, family: str, *, by: str = "", match: str = "") -> str:
        """The rate a second of a counter over all servers, by the labels `by`."""
        grouped = f" by ({by}) " if by else ""
        return f"sum{grouped}({self._rates(family, match)})"

    def quantile(self, quantile: float, family: str, *, by: str = "") -> str:
        """A percentile of a histogram, all servers' buckets together."""
        buckets = self.rate(f"{family}_bucket", by=f"{by}, le" if by else "le")
        return f"histogram_quantile({quantile:g}, {buckets})"

    def hit_ratio(self, match: str = HITS) -> str:
        """Of the reads of routes with a policy, the share whose outcome matches."""
        return f"{self.rate(READS, match=match)} / {self.rate(READS)}"

    def error_ratio(self) -> str:
        """Of all answers, the share of 5xx; 0 where there is none."""
        return f"{self.errors()} / {self.rate(REQUESTS)}"

    def errors(self, by: str = "") -> str:
        """5xx a second; 0 where there is none, as long as there are answers at all."""
        zero = f"0 * {self.rate(REQUESTS, by=by)}"
        return f"({self.rate(REQUESTS, by=by, match=FAILED)} or {zero})"

    def cpu_ratio(self) -> str:
        """How busy the busiest machine is."""
        busy = self._rates("pack2_machine_busy_seconds_total", "")
        return f"max({busy} / {self.select('pack2_machine_processors')})"

    def memory_ratio(self) -> str:
        """How full the fullest machine's memory is."""
        free = self.select("pack2_machine_memory_available_bytes")
        return f"max(1 - {free} / {self.select('pack2_machine_memory_bytes')})"

    def _rates(self, family: str, match: str) -> str:
        return f"rate({self.select(family, match)}[{self.window}])"
