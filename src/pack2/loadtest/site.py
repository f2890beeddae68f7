"""What a load test stands on: an application that answers, its test accounts, and what they can ask for.

Without a URL the application is started here, on a tuned copy of its loaded data, servers and generator on
cores of their own. With one, the application that answers there is tested, by test accounts alone.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from pack2.config import Accounts, Application, Config
from pack2.http.configure import namespace_of
from pack2.loadtest.errors import NoAnswerError, NothingToLoadError, NotTestAccountsError
from pack2.loadtest.meter import Meter, listener
from pack2.proof import databases, environment, redis_space
from pack2.proof.accounts import Door, admitted, password, write_tokens
from pack2.proof.client import send
from pack2.proof.plan import Tape
from pack2.proof.processors import Split, Watch, bound, split, usable_cores
from pack2.proof.servers import Server, running
from pack2.proof.stage import discover
from pack2.proof.tuning import tune
from pack2.services import Services, State, open_state, services

SEED = 7
ACCOUNTS = 50
"""The guide's number of users."""
_RESERVED = (".test", ".invalid", ".example", ".localhost")
_RESERVED_DOMAINS = ("example.com", "example.net", "example.org")


@dataclass
class Site:
    """Everything that a run needs; `server` and the URLs of its stores only where it was started here."""

    base_url: str
    script: Path
    variables: dict[str, str]
    parameters: dict[str, Any]
    accounts: Accounts
    door: Door
    environment: dict[str, Any]
    meter: Meter
    watch: Watch | None = None
    server: Server | None = None
    redis_url: str | None = None
    namespace: str = ""
    tape: Tape = field(default_factory=Tape)
    batches: int = 0

    @property
    def visits(self) -> bool:
        return bool(self.parameters.get("visits"))


@contextmanager
def site(
    config: Config, *, size: str, url: str | None, logs: Path, told: Any, opened: Services | None = None
) -> Iterator[Site]:
    """The site of `config`'s application. `told(step)` hears what is being prepared. Raises Pack2Error."""
    application, accounts = _application(config, started_here=url is None)
    refuse_others(accounts)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pack2-loadtest-")))
        if url is not None:
            yield _found(application, accounts, url.rstrip("/"), folder, told)
            return
        found = opened or stack.enter_context(services())
        yield _started(stack, config, application, accounts, found, size, folder, logs, told)


def refuse_others(accounts: Accounts) -> None:
    """Raise NotTestAccountsError unless all are generated ones of a reserved domain (RFC 2606, 6761)."""
    if "{number" not in accounts.email:
        raise NotTestAccountsError(email=accounts.email, reason="its e-mail has no number")
    for email in (accounts.email, *(other.email for other in accounts.others)):
        domain = email.rpartition("@")[2].lower()
        if not domain.endswith(_RESERVED) and domain not in _RESERVED_DOMAINS:
            raise NotTestAccountsError(email=email, reason=f"{domain} may belong to somebody")


def _application(config: Config, *, started_here: bool) -> tuple[Application, Accounts]:
    application = config.application
    if application is None or not application.load_test or application.accounts is None:
        raise NothingToLoadError(path="pack2.toml", missing="load_test and accounts")
    if started_here and not (application.command and application.load):
        raise NothingToLoadError(path="pack2.toml", missing="command and load")
    return application, application.accounts


def _found(application: Application, accounts: Accounts, url: str, folder: Path, told: Any) -> Site:
    answer = send(url, application.ready, timeout_seconds=10)
    if answer.status != 200:
        reason = f"status {answer.status}" if answer.status else answer.body.decode(errors="replace")
        raise NoAnswerError(url=url + application.ready, reason=reason)
    told("signing the test accounts in")
    state = open_state()
    ours = msgspec.structs.replace(accounts, others=())
    kept = state.folder / f"loadtest-{hashlib.sha256(url.encode()).hexdigest()[:12]}.json"
    door = admitted(url, ours, ACCOUNTS, state, kept)
    told("finding what the accounts can ask for")
    variables, parameters = _parameters(application, ours, state, url, door, folder)
    facts = environment.machine(Split(frozenset(), frozenset())) | {"application": url}
    pid = listener(url)
    meter = Meter({} if pid is None else {"application": pid})
    return Site(url, _script(application), variables, parameters, ours, door, facts, meter)


def _started(
    stack: ExitStack,
    config: Config,
    application: Application,
    accounts: Accounts,
    found: Services,
    size: str,
    folder: Path,
    logs: Path,
    told: Any,
) -> Site:
    postgres, cores = found.postgres, split(usable_cores())
    facts = environment.machine(cores) | {"application": "started here", "size": size, "seed": SEED}
    given = {"REDIS_URL": redis_space.url(found.redis)}
    if accounts.password_variable:
        given[accounts.password_variable] = password(accounts, found.state)
    untuned = databases.names(postgres.database, size).untuned
    told(f"loading the data, size {size}")
    databases.ensure_untuned(postgres, application, untuned, size=size, seed=SEED, environment=given)
    told("signing the test accounts in")
    with running(
        application, "before", database_url=postgres.url(untuned), variables=given, cores=frozenset(),
        log=logs / "sign-in.log",
    ) as server:  # fmt: skip
        kept = found.state.folder / f"loadtest-{untuned}.json"
        door = admitted(server.base_url, accounts, ACCOUNTS, found.state, kept)
    told("copying and tuning the database")
    url = _tuned_copy(stack, config, found, untuned, f"{postgres.database}_{size}_loadtest")
    redis_space.empty(found.redis)
    if cores.servers:
        found.pin(cores.servers)
        stack.callback(found.pin, frozenset(usable_cores()))
        stack.enter_context(bound(cores.generator))
    told("starting the application")
    server = stack.enter_context(
        running(
            application, "after", database_url=url, variables=given, cores=cores.servers,
            log=logs / "application.log",
        )
    )  # fmt: skip
    told("finding what the accounts can ask for")
    variables, parameters = _parameters(application, accounts, found.state, server.base_url, door, folder)
    pids = {"application": server.pid, "postgresql": postgres.pid, "redis": found.redis.pid}
    processes = {name: pid for name, pid in pids.items() if pid is not None}
    facts |= {"postgresql": databases.settings(url)["server_version"]}
    facts |= {"redis": environment.redis_version(given["REDIS_URL"])}
    return Site(
        server.base_url, _script(application), variables, parameters, accounts, door, facts, Meter(processes),
        watch=Watch(cores.servers | cores.generator, processes.values()), server=server,
        redis_url=given["REDIS_URL"], namespace=namespace_of(config.cache.namespace, url),
    )  # fmt: skip


def _tuned_copy(stack: ExitStack, config: Config, found: Services, untuned: str, name: str) -> str:
    found.postgres.drop_database(name)
    stack.callback(found.postgres.drop_database, name)
    url = found.postgres.create_database(name, template=untuned)
    tune(url, config)
    databases.settle(url)
    return url


def _script(application: Application) -> Path:
    return Path(application.load_test).resolve()


def _parameters(
    application: Application, accounts: Accounts, state: State, url: str, door: Door, folder: Path
) -> tuple[dict[str, str], dict[str, Any]]:
    write_tokens(door, folder / "tokens.json")
    variables = {
        "TOKENS_FILE": str(folder / "tokens.json"),
        "PARAMETERS_FILE": str(folder / "parameters.json"),
        "SEED": str(SEED),
        "ACCOUNT_PASSWORD": password(accounts, state),
    }
    parameters = discover(_script(application), url, variables)
    (folder / "parameters.json").chmod(0o600)
    return variables, parameters
