"""What keeps a comparison from being made at all."""

from __future__ import annotations

from pack2.errors import Pack2Error


class BaselineMissingError(Pack2Error):
    """{path}: {reason}. Accept one with `pack2 loadtest baseline`."""


class NotAcceptableError(Pack2Error):
    """This result can not become a baseline: {reason}. Run `pack2 loadtest baseline` again, for longer
    or on a quiet machine."""
