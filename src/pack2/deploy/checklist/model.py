"""What the lists ask: the deployed application, its servers, and one load test that several lines share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from pack2.deploy.model import Outcome, Target, skipped
from pack2.errors import Pack2Error
from pack2.loadtest.result import LoadResult
from pack2.loadtest.run import loadtest
from pack2.proof.environment import machine
from pack2.proof.model import Proof, read_proof
from pack2.proof.processors import Split
from pack2.regression.baseline import Baseline, fingerprint, path_of, read_baseline

BEFORE: Final = "before"
"""The baseline of the application as it was without Pack 2: `pack2 loadtest baseline --name before`."""
OUT: Final = Path("build/checklist")
PROOFS: Final = (Path("build/proof/proof.json"), Path("docs/proof/proof.json"))
RATE, SECONDS = 120.0, 60.0
_REPEATS = 3
NO_URL: Final = "no address is known: give --url, or write url into [application]"


@dataclass(frozen=True)
class Question:
    """One line of a list."""

    name: str
    ask: Callable[[Deployed], Outcome]


@dataclass
class Deployed:
    """The deployed application. `rate` and `seconds` are of the load test, made once, when it is needed."""

    target: Target
    rate: float = RATE
    seconds: float = SECONDS
    baseline: str = "small"
    _failure: Pack2Error | None = None

    @property
    def url(self) -> str:
        return self.target.url or ""

    @property
    def cannot_load(self) -> str:
        """Why no load test can be made; "" where one can."""
        application = self.target.config.application
        if application is None or not application.load_test or application.accounts is None:
            return f"{self.target.config_path} names no load test and test accounts ([application])"
        return "" if self.url else NO_URL

    @cached_property
    def before(self) -> Baseline | None:
        """The stored baseline of the time before Pack 2, if there is one."""
        return read_baseline(BEFORE) if path_of(BEFORE).exists() else None

    @cached_property
    def load(self) -> LoadResult:
        """A load of the deployed application, for `seconds`. Raises Pack2Error."""
        return self._loaded("load", self.rate, 1)

    @cached_property
    def like_before(self) -> LoadResult:
        """Runs like those of the stored baseline: at its rate, each after a warm-up of its own."""
        assert self.before is not None
        return self._loaded("baseline", float(self.before.fingerprint["rate"]), _REPEATS)

    @cached_property
    def proof(self) -> tuple[Path, Proof] | None:
        """The last proof that was made here, else the committed one."""
        return next(((path, read_proof(path)) for path in PROOFS if path.exists()), None)

    @cached_property
    def machine(self) -> Mapping[str, str]:
        return fingerprint(machine(Split(frozenset(), frozenset())))

    def _loaded(self, kind: str, rate: float, repeats: int) -> LoadResult:
        """One that failed is not made again for the next line."""
        if self._failure is not None:
            raise self._failure
        try:
            return self._measured(kind, rate, repeats)
        except Pack2Error as error:
            self._failure = error
            raise

    def _measured(self, kind: str, rate: float, repeats: int) -> LoadResult:
        return loadtest(
            self.target.config,
            kind,
            url=self.url,
            rate=rate,
            seconds=self.seconds,
            out=OUT,
            quiet=self.target.is_quiet,
            repeats=repeats,
        )


def of_application(ask: Callable[[Deployed], Outcome]) -> Callable[[Deployed], Outcome]:
    """`ask`, skipped where it is not known where the application answers."""
    return lambda deployed: ask(deployed) if deployed.url else skipped(NO_URL)


def of_load(ask: Callable[[Deployed], Outcome]) -> Callable[[Deployed], Outcome]:
    """`ask`, skipped where no load test can be made."""
    return lambda deployed: skipped(reason) if (reason := deployed.cannot_load) else ask(deployed)
