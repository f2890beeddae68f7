"""Questions to the servers that a deployment rests on, each with its evidence and what to do if it fails."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import msgspec
import redis

from pack2.cache import feed_schema
from pack2.database.connection import Connection, connect
from pack2.database.index_catalog import find_index, find_table
from pack2.database.index_file import load_indexes
from pack2.database.rollup_catalog import ledgered
from pack2.deploy.model import Target
from pack2.proof.client import send
from pack2.services.external import OLDEST_POSTGRES

_LOOPBACK: Final = frozenset(("127.0.0.1", "localhost", "::1", ""))
LEAST_FREE_MB: Final = 1000
"""New indexes, rollups and a baseline's copy of the sample data need some room."""
LISTENERS: Final = (
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'pack2 change feed'"
    " AND datname = current_database() ORDER BY pid"
)


class Check(msgspec.Struct, frozen=True):
    """One question answered. `state`: pass, fail, or unknown where nothing here can tell."""

    question: str
    state: str
    evidence: str
    advice: str = ""


def judged(question: str, holds: bool, evidence: str, advice: str) -> Check:
    """pass or fail; the advice is kept where it is needed."""
    return Check(question, "pass" if holds else "fail", evidence, "" if holds else advice)


def problems(asked: Iterable[Check]) -> str:
    """What fails and what to do about it, in one line; "" where nothing does."""
    return " ".join(
        f"{check.question}: {check.evidence}. {check.advice}" for check in asked if check.state == "fail"
    )


def postgres(target: Target) -> list[Check]:
    """Version, statement statistics, and the right to build indexes and triggers on the tables."""
    with connect(target.database_url) as connection:
        return [_version(connection), _statements(connection), _ownership(connection), _rights(connection)]


def postgres_answers(target: Target) -> Check:
    with connect(target.database_url) as connection:
        return _version(connection)


def redis_ping(target: Target) -> Check:
    """It answers the account that the application has."""
    account = urlsplit(target.redis_url).username or "default"
    with redis.Redis.from_url(target.redis_url, socket_timeout=5) as client:
        answers = bool(client.ping())
    advice = f"`ACL SETUSER {account} +ping`."
    return judged("Redis answers PING", answers, f"PING is answered to the account {account}", advice)


def redis_server(target: Target) -> list[Check]:
    """It answers, keeps what it is given, and not for everybody."""
    with redis.Redis.from_url(target.redis_url, socket_timeout=5) as client:
        info: Any = client.info("server")
        version = info.get("valkey_version", info["redis_version"])
        key = f"{target.config.cache.namespace}:deploy-check"
        client.set(key, "kept", px=10_000)
        is_kept = client.get(key) == b"kept"
    name = f"{info.get('server_name', 'redis').capitalize()} {version}"
    advice = "Look at `redis-cli INFO memory`: it may be full and refuse to evict."
    kept = judged("Redis answers and keeps what it is given", is_kept, name, advice)
    return [kept, _password(target.redis_url)]


def indexes(target: Target) -> Check:
    """Every declared index is there and valid."""
    path = Path(target.config.indexes)
    declared = load_indexes(path) if path.exists() else ()
    missing = []
    with connect(target.database_url) as connection:
        for index in declared:
            found = find_index(connection, find_table(connection, index).schema, index.name)
            if found is None or not found.is_valid:
                missing.append(index.name)
    evidence = f"{len(declared) - len(missing)} of {len(declared)} indexes of {path}"
    if missing:
        evidence += f"; not: {', '.join(missing[:5])}"
    advice = "Run `pack2 indexes apply`."
    return judged("All declared indexes are there and valid", not missing, evidence, advice)


def rollups(target: Target) -> Check:
    """Every declared rollup is maintained."""
    views = [rollup.view for rollup in target.config.rollups]
    with connect(target.database_url) as connection:
        row = connection.execute("SELECT to_regclass('pack2_tuning.rollups') IS NOT NULL").fetchone()
        lines = [ledgered(connection, view) for view in views] if row == (True,) else [None] * len(views)
    missing = [
        view
        for view, line in zip(views, lines, strict=True)
        if line is None or line.state != "applied"
    ]  # fmt: skip
    evidence = f"{len(views) - len(missing)} of {len(views)} rollups"
    evidence += f"; not: {', '.join(missing[:5])}" if missing else ""
    return judged("All rollups are maintained", not missing, evidence, "Run `pack2 rollup apply`.")


def feed(target: Target) -> Check:
    """Every trigger of the change feed is in place."""
    states = feed_schema.status(target.database_url, target.config.cache.feed)
    wrong = [f"{one.table} ({one.state})" for one in states if one.state != "applied"]
    evidence = f"{len(states) - len(wrong)} of {len(states)} triggers" + (
        f"; {', '.join(wrong[:5])}" if wrong else ""
    )
    return judged("All triggers of the change feed are there", not wrong, evidence, "Run `pack2 feed apply`.")


def listeners(target: Target) -> Check:
    """Processes of the application listen to the change feed: their caches learn what changed."""
    with connect(target.database_url) as connection:
        count = len(connection.execute(LISTENERS).fetchall())
    evidence = f"{count} {'process listens' if count == 1 else 'processes listen'} to the change feed"
    advice = "Wrap the application with `pack2.http.from_config` and start it with PACK2=on."
    return judged("The application listens to the change feed", count > 0, evidence, advice)


def application(target: Target) -> Check:
    """It is ready."""
    described = target.config.application
    assert described is not None
    url = target.application_url()
    answer = send(url, described.ready, timeout_seconds=10)
    evidence = f"{described.ready} answers {answer.status}"
    if answer.status == 0:
        evidence = f"{url} does not answer: {answer.body.decode(errors='replace')}"
    advice = f"Look into {target.log}." if target.url is None else "Start it there, or look into its log."
    return judged("The application is ready", answer.status == 200, evidence, advice)


def free_disk(target: Target) -> Check:
    """Where the state is: the embedded servers' data too."""
    folder = target.services.state.folder
    free_mb = shutil.disk_usage(folder).free // 2**20
    evidence = f"{free_mb:,} MB free in {folder}"
    advice = f"Make room: {LEAST_FREE_MB:,} MB are needed."
    return judged("The disk has room", free_mb >= LEAST_FREE_MB, evidence, advice)


def health(target: Target) -> list[Check]:
    """Everything that must hold while the application serves."""
    asked = [postgres_answers(target), *redis_server(target), indexes(target), rollups(target), feed(target)]
    if target.can_answer:
        asked.append(application(target))
        if target.config.http.policy:
            asked.append(listeners(target))
    return [*asked, free_disk(target)]


def _version(connection: Connection) -> Check:
    name = connection.info.parameter_status("server_version")
    return judged(
        "PostgreSQL answers and is new enough",
        connection.info.server_version >= OLDEST_POSTGRES,
        f"PostgreSQL {name}",
        "Upgrade to PostgreSQL 14 or newer.",
    )


def _statements(connection: Connection) -> Check:
    row = connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'").fetchone()
    return judged(
        "pg_stat_statements is installed",
        row is not None,
        "yes" if row else "no",
        "As a superuser: CREATE EXTENSION pg_stat_statements; with shared_preload_libraries set.",
    )


def _ownership(connection: Connection) -> Check:
    rows = connection.execute(
        "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        " AND NOT pg_has_role(tableowner, 'USAGE') ORDER BY 1 LIMIT 5"
    ).fetchall()
    role = connection.info.user
    return judged(
        "The role owns the tables",
        not rows,
        f"role {role}" if not rows else f"role {role}; not: {', '.join(row[0] for row in rows)}",
        f'GRANT the owner to "{role}", or use the owner in DATABASE_URL.',
    )


def _rights(connection: Connection) -> Check:
    row = connection.execute(
        "SELECT current_database(), current_schema(), has_database_privilege(current_database(), 'CREATE'),"
        " coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"
    ).fetchone()
    assert row is not None
    database, schema, in_database, in_schema = row
    lacking = [] if in_database else [f'GRANT CREATE ON DATABASE "{database}"']
    lacking += [] if in_schema else [f'GRANT CREATE ON SCHEMA "{schema or "public"}"']
    role = connection.info.user
    advice = "As the owner: " + "; ".join(f'{grant} TO "{role}"' for grant in lacking) + "."
    return judged("The role may create what is needed", not lacking, f"role {role}", advice)


def _password(url: str) -> Check:
    is_open = _answers_strangers(url)
    question = "Redis asks for a password"
    if is_open and (urlsplit(url).hostname or "") in _LOOPBACK:
        return Check(question, "pass", "no password, on loopback")
    advice = "Set a password: `ACL SETUSER`, or requirepass in redis.conf, and put it into REDIS_URL."
    return judged(question, not is_open, "with a password" if not is_open else "without a password", advice)


def _answers_strangers(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return False
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    with contextlib.suppress(redis.RedisError), redis.Redis.from_url(bare, socket_timeout=5) as client:
        return bool(client.ping())
    return False
