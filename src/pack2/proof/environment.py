"""Where and with what a proof was made: enough to repeat it, and nothing that names a person or a machine."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

import psutil
import redis

from pack2 import __version__
from pack2.loadtest.k6 import find_k6
from pack2.proof.processors import Split


def machine(split: Split) -> dict[str, Any]:
    """Processor, cores, memory, kernel, load, and who runs where."""
    return {
        "cpu_model": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "kernel": f"{platform.system()} {platform.release()}",
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "python": platform.python_version(),
        "pack2": __version__,
        "k6": _k6_version(),
        "server_cores": sorted(split.servers) or "not pinned",
        "generator_cores": sorted(split.generator) or "not pinned",
        "generator_isolated": split.isolated,
    }


def redis_version(url: str) -> str:
    with redis.Redis.from_url(url) as client:
        info: Any = client.info("server")
    return f"{info.get('server_name', 'redis')} {info.get('valkey_version', info['redis_version'])}"


def _cpu_model() -> str:
    path = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.*)$", path.read_text(), re.MULTILINE) if path.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def _k6_version() -> str:
    done = subprocess.run([find_k6(), "version"], capture_output=True, text=True, check=False)
    found = re.search(r"v(\d+\.\d+\.\d+)", done.stdout)
    return found[1] if found else "?"
