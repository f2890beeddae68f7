"""The eight steps of a deployment, in the guide's order. Each looks for itself what is there already."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import psycopg
import redis

from pack2.cache import feed_schema
from pack2.database import indexes, rollups
from pack2.database.connection import connect
from pack2.database.maintenance import create_function
from pack2.deploy import checks
from pack2.deploy.model import Outcome, Target, done, failed, skipped
from pack2.deploy.monitor import OPTIONAL, deploy_monitoring, files
from pack2.deploy.smoke import Smoke, smoke
from pack2.deploy.visitor import questions, visitor
from pack2.errors import Pack2Error
from pack2.loadtest.k6 import find_k6
from pack2.loadtest.run import loadtest
from pack2.proof.errors import SignInFailedError
from pack2.regression.baseline import accept, path_of

Asked = TypeVar("Asked")
BASELINE_SIZE: Final = "small"


@dataclass(frozen=True)
class Step:
    """`plan` says what `run` would do, `present` asks how much of it is there already."""

    name: str
    plan: str
    run: Callable[[Target], Outcome]
    present: Callable[[Target], tuple[checks.Check, ...]] = lambda _target: ()

    def planned(self, target: Target) -> Outcome:
        """What `run` would do, and what it would find; changes nothing."""
        there = _summary(self.present(target))
        return Outcome("planned", f"{self.plan}; there now: {there}" if there else self.plan)


def validate_environment(target: Target) -> Outcome:
    """Servers, rights, tools and variables; nothing is changed before all of it holds."""
    asked = [*checks.postgres(target), *checks.redis_server(target), checks.free_disk(target)]
    if wrong := checks.problems(asked):
        return failed(wrong)
    versions = ", ".join(check.evidence for check in asked if " answers and " in check.question)
    absent = [name for name in OPTIONAL if not target.environment.get(name)]
    return done(versions + (f"; skipped, not set: {', '.join(absent)}" if absent else ""))


def build_indexes(target: Target) -> Outcome:
    """Declared indexes and rollups, and the SQL function for maintenance."""
    path = Path(target.config.indexes)
    views = tuple(rollup.view for rollup in target.config.rollups)
    with target.progress() as on_progress:
        built = indexes.apply(target.database_url, path, on_progress=on_progress) if path.exists() else ()
        made = rollups.apply(target.database_url, views, on_progress=on_progress)
    with connect(target.database_url) as connection:
        create_function(connection)
    said = _counted("index", "indexes", (index.outcome for index in built))
    return done(f"{said}; {_counted('rollup', 'rollups', (rollup.outcome for rollup in made))}")


def configure_cache(target: Target) -> Outcome:
    """The change feed's triggers. The cache itself starts with the application."""
    feeds = target.config.cache.feed
    if not target.config.http.policy:
        return skipped(f"{target.config_path} has no [[http.policy]]; docs/cache.md shows how to write one")
    states = feed_schema.apply(target.database_url, feeds)
    return done(f"{len(target.config.http.policy)} policies; {len(states)} triggers on {len(feeds)} tables")


def prepare_load_tests(target: Target) -> Outcome:
    """The script compiles under the k6 that will run it."""
    application = target.config.application
    if application is None or not application.load_test:
        return skipped(f"{target.config_path} names no load test ([application] load_test)")
    script = Path(application.load_test)
    if not script.exists():
        return failed(f"{script} is not there: correct load_test in {target.config_path}")
    if wrong := _inspected(script):
        return failed(f"k6 does not compile {script}: {wrong}")
    version = subprocess.run([find_k6(), "version"], capture_output=True, text=True, check=False).stdout
    return done(f"{script} compiles under {' '.join(version.split()[:2])}")


def smoke_test(target: Target) -> Outcome:
    """The application is built, starts, is ready, no page of it fails, and the cache answers for it."""
    application = target.config.application
    if application is None:
        return skipped(f"{target.config_path} has no [application]: nothing to start")
    if not target.can_answer:
        return skipped("[application] has no command, and no --url was given")
    if wrong := checks.problems([checks.application(target)]):
        return failed(wrong)
    try:
        asks = visitor(target)
    except SignInFailedError as error:
        advice = "Load the sample data, or correct [application.accounts]."
        return failed(f"{error.fields['email']} could not sign in: {error.fields['reason']}. {advice}")
    asked = questions(target.config.http.policy, asks.samples, is_signed_in=asks.is_signed_in)
    return _smoked(target, smoke(asks, (application.ready, *application.pages), asked))


def check_health(target: Target) -> Outcome:
    """What the steps before brought is really there, and the servers and the application are well."""
    asked = checks.health(target)
    wrong = checks.problems(asked)
    return failed(wrong) if wrong else done(f"{len(asked)} checks pass: {_summary(asked)}")


def measure_baseline(target: Target) -> Outcome:
    """One accepted load test, for `pack2 regress check` to compare with."""
    application = target.config.application
    if application is None or not application.load_test or application.accounts is None:
        return skipped("[application] names no load test and test accounts: nothing to measure with")
    if target.url is None and not (application.command and application.load):
        return skipped("[application] has no command and load, and no --url was given")
    if path_of(BASELINE_SIZE).exists():
        return skipped(f"{path_of(BASELINE_SIZE)} is there; `pack2 loadtest baseline` measures anew")
    target.stop_application()
    result = loadtest(
        target.config,
        "baseline",
        size=BASELINE_SIZE,
        url=target.url,
        seconds=target.baseline_seconds,
        quiet=target.is_quiet,
        opened=target.services,
    )
    path = accept(result, BASELINE_SIZE)
    missed = "; ".join(result.fail_reasons)
    return done(f"{path}, {len(result.runs)} runs" + (f"; a threshold is missed: {missed}" if missed else ""))


STEPS: Final = (
    Step("validate environment", "ask PostgreSQL, Redis and the tools", validate_environment),
    Step(
        "indexes",
        "build what is missing of the declared indexes and rollups",
        build_indexes,
        lambda target: (checks.indexes(target), checks.rollups(target)),
    ),
    Step(
        "cache",
        "bring about the change feed's triggers",
        configure_cache,
        lambda target: (checks.feed(target),),
    ),
    Step("load tests", "let k6 compile the script", prepare_load_tests),
    Step(
        "monitoring",
        "write its files; reload Prometheus, import into Grafana, where they are known",
        deploy_monitoring,
        files,
    ),
    Step("build and smoke tests", "start the application, ask its pages and cached routes", smoke_test),
    Step("health checks", "ask the servers, the application, indexes, triggers and the disk", check_health),
    Step("baseline", "measure a load test once and keep it", measure_baseline),
)


def attempt(run: Callable[[Asked], Outcome], asked: Asked, command: str = "deploy") -> Outcome:
    """A step's outcome; a failure that has a message, or a server that went away, is an outcome too."""
    try:
        return run(asked)
    except Pack2Error as error:
        return failed(str(error))
    except (psycopg.Error, redis.RedisError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return failed(f"{reason}. Mend that, then run `pack2 {command}` again.")


def _inspected(script: Path) -> str:
    """ "" where k6 can read the script, else its last word."""
    with tempfile.TemporaryDirectory(prefix="pack2-deploy-") as folder:
        tokens = Path(folder, "tokens.json")
        tokens.write_text("[]")
        variables = {"SCENARIO": "discover", "TOKENS_FILE": str(tokens), "PARAMETERS_FILE": str(tokens)}
        process = subprocess.run(
            [find_k6(), "inspect", "--include-system-env-vars", script],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
    if process.returncode == 0:
        return ""
    return (process.stderr.strip() or f"exit code {process.returncode}").splitlines()[0][:300]


def _smoked(target: Target, found: Smoke) -> Outcome:
    if found.broken:
        return failed(f"{_some(found.broken)}. Look into {target.log}")
    if found.not_cached:
        advice = "Correct the policy, or why the answer may not be stored (docs/cache.md)."
        return failed(f"{len(found.not_cached)} routes are not cached: {_some(found.not_cached)}. {advice}")
    total = len(found.hits) + len(found.not_asked)
    said = f"{len(found.answered)} pages answer; the second answer of {len(found.hits)} of {total} policies"
    said += " came from the cache"
    return done(said + (f"; not asked: {_some(found.not_asked)}" if found.not_asked else ""))


def _some(names: tuple[str, ...], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _summary(asked: Iterable[checks.Check]) -> str:
    return "; ".join(check.evidence for check in asked)


def _counted(one: str, many: str, outcomes: Iterable[str]) -> str:
    counts = Counter(outcomes)
    if not counts:
        return f"no {many} declared"
    total = sum(counts.values())
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    return f"{total} {one if total == 1 else many} ({told})"
