"""What can go wrong while sample data is loaded: one line each, with the way out."""

from __future__ import annotations

from pack2.errors import Pack2Error


class UnknownSizeError(Pack2Error):
    """There is no sample of size {size}. Choose one of: {known}."""


class OtherSampleError(Pack2Error):
    """The database holds the sample {found}, not {wanted}. Add --replace to replace it, or name another
    database."""


class ForeignDatabaseError(Pack2Error):
    """The database holds tables that are not the sample's ({tables}), so it is left alone. Name an empty
    database with --database-url."""


class LoadError(Pack2Error):
    """The load stopped: {reason}. Mend that and run `adaf load` again: no half load is kept."""
