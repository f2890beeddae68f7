"""Load from k6: one run of the application's script, and every request's duration read back as arrays."""

from pack2.loadtest.k6 import INGEST_SECONDS, K6Run, Scenario, run_k6
from pack2.loadtest.records import Records, read_records

__all__ = ["INGEST_SECONDS", "K6Run", "Records", "Scenario", "read_records", "run_k6"]
