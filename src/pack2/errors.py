"""Every failure that a user can meet, one class a kind.

The class docstring is the message: it is formatted with the keyword arguments and always says what to do
next.
"""

from __future__ import annotations

from typing import ClassVar


class Pack2Error(Exception):
    """Something failed: {reason}."""

    exit_code: ClassVar[int] = 2

    def __init__(self, **fields: object) -> None:
        self.fields = fields
        template = " ".join((type(self).__doc__ or "").split())
        super().__init__(template.format(**fields))


class ConfigurationError(Pack2Error):
    """{path}: {reason}. Correct the file; `docs/configuration.md` lists every setting."""


class QueryFileError(Pack2Error):
    """{path}:{line}: {reason}. A query is `-- name: snake_case`, then one SQL statement that ends with a
    semicolon.
    """
