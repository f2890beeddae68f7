"""PostgreSQL's settings for one small machine, chosen from its memory: equal for all of its databases."""

from __future__ import annotations

import shutil
from pathlib import Path

import psutil


def postgres_settings(memory_bytes: int, shared_free_bytes: int, *, durable: bool = True) -> dict[str, str]:
    """The content of `postgresql.conf`. `durable=False` gives up crash safety for speed: for tests only."""
    shared_mb = min(max(memory_bytes // 16 // 2**20, 128), 1024)
    settings = {
        "listen_addresses": "127.0.0.1",
        "max_connections": "100",
        "password_encryption": "scram-sha-256",
        "shared_preload_libraries": "pg_stat_statements",
        "pg_stat_statements.max": "10000",
        "track_io_timing": "on",
        "track_activity_query_size": "4kB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        "log_lock_waits": "on",
        "shared_buffers": f"{shared_mb}MB",
        "effective_cache_size": f"{max(memory_bytes // 2 // 2**20, 256)}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": f"{min(max(memory_bytes // 32 // 2**20, 64), 512)}MB",
        "max_locks_per_transaction": "256",
        "random_page_cost": "1.1",
        "jit": "off",
        # Loading: a table filled by the transaction that made it is not logged; checkpoints are far apart.
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "min_wal_size": "128MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
    }
    if shared_free_bytes < 256 * 2**20:  # a container's 64 MB cannot hold parallel queries
        settings["dynamic_shared_memory_type"] = "mmap"
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    return settings


def settings_here(*, durable: bool) -> dict[str, str]:
    """`postgres_settings` for this machine."""
    shared = Path("/dev/shm")  # noqa: S108  only its free space is read
    free_bytes = shutil.disk_usage(shared).free if shared.is_dir() else 2**40
    return postgres_settings(psutil.virtual_memory().total, free_bytes, durable=durable)


def as_file(settings: dict[str, str]) -> str:
    """`settings` in the form of `postgresql.conf`."""
    lines = (f"{name} = '{value}'" for name, value in settings.items())
    return "# Written at every start; your own settings: ALTER SYSTEM.\n" + "\n".join(lines) + "\n"
