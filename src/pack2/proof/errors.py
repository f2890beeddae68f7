"""What keeps a proof from being made at all; a proof that was made and may not be believed is `invalid`
instead."""

from __future__ import annotations

from pack2.errors import Pack2Error


class NothingToProveError(Pack2Error):
    """{path} has no `[application]` with command, load and load_test. `docs/proof.md` shows one."""


class LoadFailedError(Pack2Error):
    """The sample data was not loaded: `{command}` ended with code {code}: {reason}. Run it alone to see
    why."""


class ServerNotReadyError(Pack2Error):
    """The {variant} server did not answer {url} within {seconds:.0f} s: {reason}. Its log is {log}."""


class SignInFailedError(Pack2Error):
    """The test account {email} could not sign in: {reason}. Load the data again with `pack2 prove
    --reload`."""


class NoQueriesError(Pack2Error):
    """None of the named queries in {patterns} has a `-- sample:`; the database part of a proof needs at
    least one."""


class UnmeasurableError(Pack2Error):
    """The {variant} server holds no rate of requests at all: {reason}. Try `pack2 prove --size small`, or
    look at its log."""


class RedisInUseError(Pack2Error):
    """Database {number} of REDIS_URL holds {keys} keys that no proof put there; a proof must begin with an
    empty one. Empty it, or unset REDIS_URL to use the embedded server."""
