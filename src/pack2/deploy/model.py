"""The values of a deployment: what every step is given, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from pack2.config import Application, Config
from pack2.database.connection import Progress, silent
from pack2.deploy.errors import NothingToStartError
from pack2.proof.accounts import password
from pack2.proof.servers import running
from pack2.services import Services

LOG = Path("logs/deploy-application.log")
"""In the state folder: what the application that a step started has written."""


class Outcome(msgspec.Struct, frozen=True):
    """What became of a step. `state`: done, skipped, failed or planned; `text` says why and, where it
    failed, what to do."""

    state: str
    text: str


@contextmanager
def no_progress() -> Iterator[Progress]:
    """For callers that show none."""
    yield silent


@dataclass
class Target:
    """The application that is deployed to: found at `url`, or started here when first asked for.

    `environment` are the variables of the one who deploys; `baseline_seconds` is how long step 8 loads.
    """

    config: Config
    config_path: Path
    services: Services
    environment: Mapping[str, str]
    url: str | None = None
    progress: Callable[[], AbstractContextManager[Progress]] = no_progress
    is_quiet: bool = True
    baseline_seconds: float | None = None
    _started: ExitStack = field(default_factory=ExitStack)
    _started_url: str = ""

    @property
    def database_url(self) -> str:
        return self.services.postgres.url()

    @property
    def redis_url(self) -> str:
        return self.services.redis.url

    @property
    def log(self) -> Path:
        return self.services.state.folder / LOG

    @property
    def can_answer(self) -> bool:
        """Whether there is an application to ask."""
        application = self.config.application
        return application is not None and bool(self.url or application.command)

    def application_url(self) -> str:
        """Where the application answers. Raises NothingToStartError, ServerNotReadyError."""
        application = self.config.application
        if application is None or not self.can_answer:
            raise NothingToStartError(path=self.config_path)
        if self.url is None and not self._started_url:
            self._started_url = self._start(application)
        return self.url or self._started_url

    def stop_application(self) -> None:
        """Stop what was started here; it is started anew when asked for again."""
        self._started.close()
        self._started_url = ""

    def _start(self, application: Application) -> str:
        variables = {"REDIS_URL": self.redis_url, "PACK2_CONFIG": str(self.config_path)}
        accounts = application.accounts
        if accounts is not None and accounts.password_variable:
            variables[accounts.password_variable] = password(accounts, self.services.state)
        server = self._started.enter_context(
            running(
                application,
                "after",
                database_url=self.database_url,
                variables=variables,
                cores=frozenset(),
                log=self.log,
            )
        )
        return server.base_url


def done(text: str) -> Outcome:
    return Outcome("done", text)


def skipped(text: str) -> Outcome:
    return Outcome("skipped", text)


def failed(text: str) -> Outcome:
    return Outcome("failed", text)
