"""0-2 hours: what was deployed is there, answers, and bears a short load."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pack2.deploy import checks
from pack2.deploy.checklist.grafana import dashboard_loads
from pack2.deploy.checklist.model import Deployed, Question, of_application, of_load
from pack2.deploy.model import Outcome, Target, done, failed, skipped
from pack2.deploy.smoke import is_broken, reason
from pack2.deploy.visitor import signed_in
from pack2.loadtest.result import LoadResult, ThresholdRow


def indexes_are_there(deployed: Deployed) -> Outcome:
    """As the catalogue says, and valid."""
    declared = Path(deployed.target.config.indexes)
    if not declared.exists():
        return skipped(f"{declared} is not there: no index is declared")
    return told(checks.indexes(deployed.target))


def redis_answers(deployed: Deployed) -> Outcome:
    """PING with the account of its URL, and it keeps what it is given."""
    return told(checks.redis_ping(deployed.target), *checks.redis_server(deployed.target))


def application_starts(deployed: Deployed) -> Outcome:
    """Every page answers a test account, where there is one, and none with an error of the server."""
    application = deployed.target.config.application
    assert application is not None
    pages = (application.ready, *application.pages)
    asks, door = signed_in(deployed.target)
    answers = {path: asks.ask(path) for path in pages}
    broken = [f"{path}: {reason(answer)}" for path, answer in answers.items() if is_broken(answer)]
    if broken:
        return failed(f"{', '.join(broken)}. Look into the application's log")
    who = "anybody" if door is None else door.accounts[0].email
    return done(f"{len(pages)} pages of {deployed.url} answer {who}: {', '.join(pages)}")


def health_checks_pass(deployed: Deployed) -> Outcome:
    """Ready; listening to the change feed, whose triggers are there; PostgreSQL and the disk are well."""
    return told(*health(deployed.target))


def health(target: Target) -> list[checks.Check]:
    asked = [checks.application(target), checks.postgres_answers(target)]
    if target.config.http.policy:
        asked += [checks.feed(target), checks.listeners(target)]
    return [*asked, checks.rollups(target), checks.free_disk(target)]


def load_test_passes(deployed: Deployed) -> Outcome:
    """The guide's thresholds, under a load of test accounts."""
    return judged(deployed.load)


def judged(result: LoadResult) -> Outcome:
    """A missed threshold is told even where the run may not be believed; such a run is never done."""
    if result.fail_reasons:
        doubts = f" (in doubt: {'; '.join(result.invalid_reasons)})" if result.invalid_reasons else ""
        advice = "`pack2 recommend` says what may help"
        return failed(f"{'; '.join(result.fail_reasons)}{doubts}. {advice}")
    if result.verdict == "invalid":
        return skipped(
            f"may not be believed: {'; '.join(result.invalid_reasons)}. Load for longer: --seconds"
        )
    figures = ", ".join(_figure(row) for row in result.thresholds if row.is_judged)
    return done(f"{result.metrics['requests']:,.0f} requests: {figures}")


def told(*asked: checks.Check) -> Outcome:
    """Done with the evidence of all, or failed with what to do."""
    wrong = checks.problems(asked)
    return failed(wrong) if wrong else done("; ".join(check.evidence for check in asked))


def _figure(row: ThresholdRow) -> str:
    value = "nothing" if row.value is None else f"{row.value:.3g} {row.unit}"
    return f"{row.name} {value} ({'<' if row.is_upper else '>'} {row.limit:g})"


IMMEDIATE: Final = (
    Question("indexes are there", indexes_are_there),
    Question("Redis answers", redis_answers),
    Question("application starts", of_application(application_starts)),
    Question("health checks pass", of_application(health_checks_pass)),
    Question("short load test passes", of_load(load_test_passes)),
    Question("Grafana dashboard loads", dashboard_loads),
)
