"""Reads `pack2.toml`: what a user of Pack 2 writes about the application, and nothing more.

Each section is a frozen struct that refuses unknown keys, so that a typing error is told and not ignored.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from pack2.errors import ConfigurationError


class NamedAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One further sign-in, such as the operator's; its password is `secret` in the state folder."""

    email: str
    secret: str


class Accounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The load test's sign-ins: `{number}` counts from 1; all share one password, `secret`.

    With `check`, a GET that answers 200 while a token is good, tokens are kept for the next proof.
    """

    email: str
    secret: str
    sign_in: str
    password_variable: str = ""
    token_field: str = "token"  # noqa: S105  the name of a field
    cookie: str = ""
    check: str = ""
    others: tuple[NamedAccount, ...] = ()


class Application(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How Pack 2 starts, fills and loads the application.

    `load_inputs` are globs of the files that decide what `load` makes: another content, another sample.
    `command` gets `{port}` and `{workers}`, `load` gets `{size}` and `{seed}`; both get DATABASE_URL.
    `url` is where the deployed application answers.
    """

    command: tuple[str, ...]
    load: tuple[str, ...]
    load_inputs: tuple[str, ...] = ()
    url: str = ""
    ready: str = "/"
    queries: tuple[str, ...] = ()
    load_test: str = ""
    pages: tuple[str, ...] = ()
    accounts: Accounts | None = None


class HttpPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One route's cache policy. A route without one is never stored.

    `tags` (of a GET) and `expires` (of an unsafe method) may name path parameters and `{identity}`, the
    user's id.
    """

    route: str
    methods: tuple[str, ...] = ("GET",)
    scope: str = "none"
    ttl_seconds: float = 0
    stale_seconds: float = 0
    tags: tuple[str, ...] = ()
    expires: tuple[str, ...] = ()
    vary: tuple[str, ...] = ()
    by_role: bool = False
    honour_no_cache: bool = False
    refresh_ahead: bool = True
    sensitive: bool = False
    browser_seconds: float = 0
    statuses: tuple[int, ...] = (200,)


class Http(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`session_cookie`: the only cookie that the application sees while an entry is filled ("": all)."""

    session_cookie: str = ""
    max_body_bytes: int = 1024 * 1024
    policy: tuple[HttpPolicy, ...] = ()


class Browser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a browser keeps, in its worker's memory alone, of pages whose policy has `browser_seconds`.

    `session_seconds` bounds how long it goes on without the server having confirmed the session.
    """

    enabled: bool = True
    max_pages: int = 60
    max_bytes: int = 8 * 1024 * 1024
    session_seconds: int = 60


class FeedTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table whose committed changes expire tags; `{column}` is filled from the changed rows, old and new.

    `tags_sql` selects further tags `FROM changed`, the changed rows. `events` leaves out what changes no
    answer.
    """

    table: str
    tags: tuple[str, ...] = ()
    tags_sql: str = ""
    events: tuple[str, ...] = ("insert", "update", "delete", "truncate")


class CacheSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`namespace` keeps two applications apart that share one Redis."""

    memory_bytes: int = 64 * 1024 * 1024
    namespace: str = "pack2"
    feed: tuple[FeedTable, ...] = ()


class Rollup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plain aggregating view that Pack 2 may turn into a maintained table of the same name."""

    view: str


class ScheduledTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command of the application that runs by the clock; `cron` is UTC."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{0,39}$")]
    cron: str
    command: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 3600


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When Pack 2's own tasks run: five fields as in a crontab (UTC), "" for never."""

    maintain: str = "0 3 * * 0"
    purge: str = "15 4 * * *"
    baseline: str = "0 2 1 * *"
    regress: str = "30 1 * * *"
    keep_runs: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 20
    task: tuple[ScheduledTask, ...] = ()


class MonitoringPanel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A panel on the application's own metrics; `query` is PromQL, and `unit` is a name of Grafana's."""

    title: str
    query: str
    legend: str = ""
    unit: str = "short"


class Monitoring(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What watches the application: `job` is its name in Prometheus, `targets` are host:port of its servers.

    `exporters` are scraped beside it. `runbooks` is the address that the alerts' links begin with. A server
    that is down for `down_seconds` is told of, after `group_seconds` for others that belong to it. Rates are
    those of five minutes: `interval_seconds` has to fit into them several times.
    """

    job: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_-]{0,31}$")] = "pack2"
    targets: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("127.0.0.1:8000",)
    path: str = "/api/metrics"
    alertmanagers: tuple[str, ...] = ("127.0.0.1:9093",)
    exporters: tuple[str, ...] = ()
    runbooks: str = "docs/runbooks"
    secrets: Annotated[str, msgspec.Meta(min_length=1)] = "secrets"
    interval_seconds: Annotated[int, msgspec.Meta(ge=1, le=60)] = 15
    down_seconds: Annotated[int, msgspec.Meta(ge=1)] = 60
    group_seconds: Annotated[int, msgspec.Meta(ge=1)] = 30
    panel: tuple[MonitoringPanel, ...] = ()


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    application: Application | None = None
    http: Http = Http()
    cache: CacheSection = CacheSection()
    browser: Browser = Browser()
    rollups: tuple[Rollup, ...] = ()
    schedule: Schedule = Schedule()
    monitoring: Monitoring | None = None
    indexes: str = "perf/sql/performance_indexes.sql"


def load_config(path: Path = Path("pack2.toml")) -> Config:
    """Read and check `path`. Raises ConfigurationError with the place and the reason."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Config)
    except FileNotFoundError:
        raise ConfigurationError(path=path, reason="there is no such file here") from None
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(path=path, reason=str(error)) from None
