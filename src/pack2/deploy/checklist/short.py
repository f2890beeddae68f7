"""2-24 hours: it pays. The application as it runs now, against what was stored of the time before Pack 2.

Without a stored baseline of its own (`before`), what `pack2 prove` measured side by side stands in for it,
where that was on a machine like this one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pack2.deploy.checklist.metrics import FEWEST, counted_reads
from pack2.deploy.checklist.model import BEFORE, Deployed, Question, of_application
from pack2.deploy.checklist.proved import elsewhere, errors_proved, proved
from pack2.deploy.model import Outcome, done, failed, skipped
from pack2.regression.compare import Finding, compare

HIT_PERCENT: Final = 80.0
BETTER_PERCENT: Final = -50.0


def hit_rate(deployed: Deployed) -> Outcome:
    """As the server counted it; where it shows no metrics or has seen little, over the requests of a load."""
    hits, reads = counted_reads(deployed.target)
    if reads >= FEWEST:
        return judged_hits(100 * hits / reads, f"of {reads:,} reads since the server started")
    if reason := deployed.cannot_load:
        return skipped(f"the server counted {reads} reads, {FEWEST:,} are needed, and {reason}")
    result = deployed.load if deployed.before is None else deployed.like_before
    percent = result.metrics["hit_percent"]
    if percent is None:
        return skipped("no answer carries Cache-Status: is Pack 2 on (PACK2=on)?")
    return judged_hits(percent, f"at {result.environment['rate']:g} requests/s of a load test")


def judged_hits(percent: float, said: str) -> Outcome:
    if percent > HIT_PERCENT:
        return done(f"{percent:.1f} % {said}")
    advice = "`pack2 cache status` shows the routes that miss, `pack2 recommend` what may help"
    return failed(f"{percent:.1f} % {said}; more than {HIT_PERCENT:g} % is asked. {advice}")


def against_before(
    rules: tuple[tuple[str, str], ...],
    judge: Callable[[tuple[Finding, ...]], Outcome],
    otherwise: Callable[[Deployed], Outcome],
) -> Callable[[Deployed], Outcome]:
    """`judge` of the findings of `rules` (rule, subject) from runs now against the stored ones; where none
    are stored, `otherwise`.
    """

    def ask(deployed: Deployed) -> Outcome:
        stored = deployed.before
        if stored is None:
            return otherwise(deployed)
        if wrong := elsewhere(stored.fingerprint, deployed.machine):
            return skipped(f"the baseline {BEFORE} is of another machine: {wrong}. {store(deployed)}")
        if reason := deployed.cannot_load:
            return skipped(reason)
        runs = deployed.like_before.runs
        found = tuple(one for one in compare(stored.runs, runs) if (one.rule, one.subject) in rules)
        if not found:
            return skipped(f"the runs before or now do not hold it. {store(deployed)}")
        return judge(found)

    return ask


def faster(limit_percent: float) -> Callable[[tuple[Finding, ...]], Outcome]:
    """Done where the whole interval of the change is within the limit, failed where the change is not."""

    def judge(found: tuple[Finding, ...]) -> Outcome:
        one = found[0]
        low, high = one.interval
        said = f"p95 {one.baseline:.3g} → {one.now:.3g} {one.unit}, {one.change_percent:+.0f} %"
        said += f" (interval {low:+.0f} to {high:+.0f})"
        if high <= limit_percent:
            return done(said)
        if one.change_percent <= limit_percent:
            return skipped(f"{said}: not decided, measure for longer with --seconds")
        return failed(f"{said}; {limit_percent:+.0f} % is asked. `pack2 recommend` says what may help")

    return judge


def not_more(found: tuple[Finding, ...]) -> Outcome:
    """Of the errors: worse only where the whole interval is above what the stored runs allow."""
    one = found[0]
    said = f"{one.baseline:.3g} → {one.now:.3g} % of the requests"
    if one.outcome == "worse":
        return failed(f"{said}. Look into the application's log; docs/runbooks/api-5xx.md")
    if one.outcome == "undecided":
        return skipped(f"{said}: not decided, measure for longer with --seconds")
    return done(said)


def stable(found: tuple[Finding, ...]) -> Outcome:
    """Processor time a request and memory: neither surely above its limit."""
    said = "; ".join(_change(one) for one in found)
    worse = [one for one in found if one.outcome == "worse"]
    if worse:
        limits = ", ".join(f"{one.rule} {one.limit_percent:+.0f} %" for one in worse)
        return failed(f"{said}; at most {limits} is asked. `pack2 recommend` says what may help")
    if any(one.outcome == "undecided" for one in found):
        return skipped(f"{said}: not decided, measure for longer with --seconds")
    return done(said)


def _change(one: Finding) -> str:
    return f"{one.rule} {one.baseline:.3g} → {one.now:.3g} {one.unit}, {one.change_percent:+.0f} %"


def store(deployed: Deployed) -> str:
    """The command that stores what is missing."""
    command = f"`pack2 loadtest baseline --name {BEFORE} --url {deployed.url or 'URL'}`"
    return f"Store it with {command} while Pack 2 is out (`pack2 rollback`, PACK2=off)"


def never_stored(deployed: Deployed) -> Outcome:
    return skipped(f"it was never stored. {store(deployed)}")


SHORT: Final = (
    Question(f"hit rate above {HIT_PERCENT:.0f} %", of_application(hit_rate)),
    Question(
        "answers better by half",
        against_before(
            (("response time p95", "all API requests"),),
            faster(BETTER_PERCENT),
            proved("api_p95_ms", "ms", at_most=BETTER_PERCENT, otherwise=store),
        ),
    ),
    Question("errors not more", against_before((("errors", "all"),), not_more, errors_proved(store))),
    Question(
        "queries faster",
        against_before(
            (("response time p95", "the database"),),
            faster(0.0),
            proved("db_query_p95_ms", "ms", at_most=0.0, otherwise=store),
        ),
    ),
    Question(
        "resources stable or lower",
        against_before(
            (("processor", "servers, a request"), ("memory", "the application")), stable, never_stored
        ),
    ),
)
