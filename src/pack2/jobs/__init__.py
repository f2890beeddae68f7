"""Background jobs in the application's PostgreSQL, by procrastinate: no second broker, one transaction."""

from pack2.jobs.schema import SCHEMA, ensure_jobs
from pack2.jobs.worker import Backoff, connector, work

__all__ = ["SCHEMA", "Backoff", "connector", "ensure_jobs", "work"]
