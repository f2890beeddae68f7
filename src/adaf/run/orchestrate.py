"""One command from nothing to a tuned dashboard: servers, data, measurement, tuning, serving."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from adaf.run import data
from adaf.run.server import serve
from adaf.run.stages import stage
from adaf.sample.target import stored_passwords
from pack2.config import Config, load_config
from pack2.monitoring.endpoint import TOKEN_VARIABLE
from pack2.proof import PROFILES, Proof, prove, show
from pack2.services import Services, external, services
from pack2.services.errors import DiskFullError, ServerDiskFullError
from pack2.services.ports import require_free_port

RESULTS = Path("build/run")
FREE_MB = {"tiny": 300, "small": 3_000, "medium": 20_000, "large": 100_000}
"""What the databases of a measurement take at most: the original, two copies and the served one."""


def run(*, port: int, size: str, measure: bool, leave: bool) -> int:
    """Do it all. The exit code is the verdict's where we `leave` after the table, else 0."""
    require_free_port(port)
    os.environ["PACK2"] = "on"
    config = load_config(Path(os.environ.get("PACK2_CONFIG", "pack2.toml")))
    with _disk_full_told(), ExitStack() as stack:
        with stage("PostgreSQL and Valkey"):
            found = stack.enter_context(services())
        proof = _measured(found, config, size) if measure else None
        if proof is not None and leave:
            return proof.exit_code
        _prepare_served(found, config, size)
        serve(
            port,
            database_url=found.postgres.url(),
            redis_url=found.redis.url,
            cache_key=found.state.secret_key("cache"),
            metrics_token=found.state.secret("metrics"),
            on_ready=lambda url: _announce(url, found),
        )
    return 0


def _measured(found: Services, config: Config, size: str) -> Proof:
    if found.postgres.pid is None:
        external.require_rights(found.postgres)
    elif not found.postgres.exists(data.untuned_name(found.postgres, size)):
        found.state.require_space(FREE_MB.get(size, 0))
    with stage(f"Sample data, size {size}") as report:
        name = data.ensure_untuned(found, config, size, report)
    with stage("Measurement, untuned against tuned"):
        proof = prove(
            config,
            found,
            size=size,
            profile=PROFILES["quick"],
            seed=data.SEED,
            untuned=name,
            out=RESULTS,
            with_pages=False,
        )
    print()
    show(proof)
    print(f"{RESULTS / 'proof.md'}\n", flush=True)
    return proof


def _prepare_served(found: Services, config: Config, size: str) -> None:
    with stage(f"Database {found.postgres.database}, size {size}") as report:
        data.ensure_served(found, config, size, report)
    with stage("Indexes, rollups and change feed"):
        data.tune_served(found.postgres, config)


def _announce(url: str, found: Services) -> None:
    secrets = stored_passwords(found.state)
    print(f"\nADAF Dashboard is on {url} (Ctrl-C stops it and its servers)")
    for role in ("viewer", "trader", "operator"):
        print(f"  {role + '@adaf.test':<20} {getattr(secrets, role)}")
    print(f"  {'/api/metrics':<20} Bearer {os.environ[TOKEN_VARIABLE]}")
    print(flush=True)


@contextmanager
def _disk_full_told() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.DiskFull as error:
        if os.environ.get("DATABASE_URL"):
            raise ServerDiskFullError from error
        raise DiskFullError.at(Path(".pack2").resolve()) from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise DiskFullError.at(Path.cwd()) from error
