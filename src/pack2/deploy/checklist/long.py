"""1-7 days: it stays so. Baselines, alerts and proofs that exist, and what they say now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pack2.deploy.checklist.alerts import alert_limits
from pack2.deploy.checklist.model import Deployed, Question
from pack2.deploy.checklist.proved import MAKE_ONE, proved
from pack2.deploy.model import Outcome, done, failed, skipped
from pack2.loadtest.result import LoadResult, read_result
from pack2.proof.targets import CAPACITY, PAGE_REPEAT
from pack2.regression.baseline import FOLDER, path_of, read_baseline
from pack2.regression.check import judge

RESULT: Final = Path("build/regression/result.json")
"""What the nightly `pack2 regress check` leaves."""
OLDEST: Final = timedelta(days=7)


def baselines_exist(deployed: Deployed) -> Outcome:
    """Every stored baseline can be read, and the one that checks compare with is among them."""
    names = sorted(path.stem for path in FOLDER.glob("*.json"))
    said = [f"{name} of {read_baseline(name).started[:10]}" for name in names]
    if not path_of(deployed.baseline).exists():
        advice = f"Run `pack2 loadtest baseline --name {deployed.baseline}`"
        return failed(f"{path_of(deployed.baseline)} is not there. {advice}")
    return done(f"{', '.join(said)}: {len(read_baseline(deployed.baseline).runs)} runs to compare with")


def no_regression(deployed: Deployed) -> Outcome:
    """The last check's runs of these days, compared anew with the accepted baseline."""
    command = f"`pack2 regress check --baseline {deployed.baseline}`"
    if not path_of(deployed.baseline).exists():
        return skipped(f"there is no baseline {deployed.baseline} to compare with")
    if not RESULT.exists():
        return skipped(f"no check was made: run {command}, or let `pack2 schedule worker` do it each night")
    result = read_result(RESULT)
    if not _is_recent(result):
        return skipped(f"the last check is of {result.started[:10]}: run {command}")
    found = judge(read_baseline(deployed.baseline), result)
    if found.verdict == "invalid":
        return skipped(f"it can not be said: {'; '.join(found.invalid_reasons)[:300]}. Run {command}")
    if found.verdict == "fail":
        return failed(f"{'; '.join(found.fail_reasons)[:300]}. See docs/runbooks/performance-degradation.md")
    said = f"{found.runs} runs of {result.started[:10]} against {len(found.findings)} figures of the baseline"
    return done(f"{said}: nothing is worse")


def users_experience(deployed: Deployed) -> Outcome:
    """Pages in the browser: the first visit faster, the next one as promised. The worse of the two counts."""
    first, following = _first_load(deployed), _next_load(deployed)
    for state in ("failed", "skipped"):
        if state in (first.state, following.state):
            return first if first.state == state else following
    return done(f"first visit {first.text}; next {following.text}")


def _is_recent(result: LoadResult) -> bool:
    try:
        return datetime.now(UTC) - datetime.fromisoformat(result.started) <= OLDEST
    except ValueError:
        return False


def _prove(_deployed: Deployed) -> str:
    return MAKE_ONE


_first_load: Final[Callable[[Deployed], Outcome]] = proved(
    "page_load_first_ms", "ms", at_most=0.0, otherwise=_prove
)
_next_load: Final[Callable[[Deployed], Outcome]] = proved(
    "page_load_repeat_ms", "ms", at_most=PAGE_REPEAT, otherwise=_prove
)

LONG: Final = (
    Question("baselines are there", baselines_exist),
    Question("alert limits confirmed", alert_limits),
    Question("no regression", no_regression),
    Question("users' experience better", users_experience),
    Question("capacity higher", proved("capacity_rps", "requests/s", at_least=CAPACITY, otherwise=_prove)),
)
