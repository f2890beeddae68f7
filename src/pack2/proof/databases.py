"""The databases of a proof: one untuned original, loaded once and kept; two copies of it, of which one
gets tuned."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from pack2.config import Application, Config
from pack2.proof.errors import LoadFailedError
from pack2.proof.tuning import tune
from pack2.services import PostgresServer

MAINTENANCE_DATABASE = "postgres"


@dataclass(frozen=True)
class Names:
    """Database names of one application and size."""

    untuned: str
    before: str
    after: str


def names(application: str, size: str, untuned: str | None = None) -> Names:
    return Names(
        untuned or f"{application}_{size}_untuned",
        f"{application}_{size}_before",
        f"{application}_{size}_after",
    )


def ensure_untuned(
    server: PostgresServer,
    application: Application,
    name: str,
    *,
    size: str,
    seed: int,
    environment: Mapping[str, str],
    reload: bool = False,
) -> bool:
    """Load the untuned database unless a complete one of the same size, seed and loader is there; True if
    loaded.

    A comment on the database is its certificate, written last: a load that was killed leaves none.
    """
    command = filled(application.load, size=size, seed=str(seed))
    if not reload and server.exists(name) and _comment(server, name) == _certificate(application, size, seed):
        return False
    server.drop_database(name)
    url = server.create_database(name)
    _run_load(command, dict(environment) | {"DATABASE_URL": url})
    settle(url)
    certify(server, application, name, size=size, seed=seed)
    return True


def certify(server: PostgresServer, application: Application, name: str, *, size: str, seed: int) -> None:
    """Declare the database `name` to be the complete untuned original of that size and seed."""
    with _maintenance(server) as connection:
        statement = sql.SQL("COMMENT ON DATABASE {} IS {}")
        comment = sql.Literal(_certificate(application, size, seed))
        connection.execute(statement.format(sql.Identifier(name), comment))


def _certificate(application: Application, size: str, seed: int) -> str:
    digest = fingerprint(application.load_inputs)
    return (
        f"pack2: untuned, loaded by {' '.join(application.load)}, size {size}, seed {seed}, inputs {digest}"
    )


def fingerprint(patterns: tuple[str, ...]) -> str:
    """Changes with the name or the content of any file that `patterns` (globs in the working directory)
    match."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in Path().glob(pattern)}):
        content = path.read_bytes()
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def make_copies(server: PostgresServer, config: Config, which: Names) -> None:
    """Two fresh copies of the untuned database, made side by side; the second one tuned; both vacuumed,
    analysed and checkpointed."""
    drop_copies(server, which)

    def copy(name: str, *, tuned: bool) -> None:
        url = server.create_database(name, template=which.untuned)
        if tuned:
            tune(url, config)
        settle(url)

    with ThreadPoolExecutor(2) as pool:
        copies = [pool.submit(copy, which.after, tuned=True), pool.submit(copy, which.before, tuned=False)]
    for made in copies:
        made.result()


def drop_copies(server: PostgresServer, which: Names) -> None:
    """Take both copies away, those that a killed proof left behind included."""
    for name in (which.before, which.after):
        server.drop_database(name)


def settle(url: str) -> None:
    """VACUUM (ANALYZE), which also reads every table into memory, then CHECKPOINT: nothing is left to do
    later."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
            connection.execute("CHECKPOINT")


def settings(url: str) -> dict[str, str]:
    """The server's version and every setting that differs from its default and bears on speed."""
    query = (
        "SELECT name, current_setting(name) FROM pg_settings"
        " WHERE source NOT IN ('default', 'override', 'client')"
        " AND category ~ '^(Resource|Write-Ahead|Query Tuning|Autovacuum|Vacuuming)' ORDER BY name"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(query).fetchall()
        version = connection.execute("SHOW server_version").fetchone()
    return {"server_version": str(version[0]) if version else "?"} | {
        str(name): str(value) for name, value in rows
    }


def size_bytes(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


def filled(command: tuple[str, ...], **values: str) -> list[str]:
    """`command` with its `{name}` parts filled in; a program beside this Python is preferred to one on the
    PATH."""
    words = [word.format_map(values) for word in command]
    beside = Path(sys.executable).parent / words[0]
    return [str(beside) if beside.exists() else words[0], *words[1:]]


def _run_load(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["it printed nothing"]
        raise LoadFailedError(command=" ".join(command), code=done.returncode, reason=lines[-1][:300])


def _comment(server: PostgresServer, name: str) -> str | None:
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    with _maintenance(server) as connection:
        row = connection.execute(query, (name,)).fetchone()
    return row[0] if row else None


def _maintenance(server: PostgresServer) -> psycopg.Connection:
    return psycopg.connect(server.url(MAINTENANCE_DATABASE), autocommit=True)
