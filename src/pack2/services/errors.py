"""What can go wrong while servers are found, started or stopped: each message names place and way out."""

from __future__ import annotations

from pack2.errors import Pack2Error


class ServerMissingError(Pack2Error):
    """There is no {server} for {platform} in this environment. Install it with `{install}` and run this
    again, or set {variable} to a running one."""


class ServerStartError(Pack2Error):
    """{server} did not start: {reason}. Its log is {log}."""


class ServerHungError(Pack2Error):
    """{server} (process {pid}) runs but does not answer within {seconds:g} s. Its log is {log}; stop it with
    `kill {pid}` and run this again."""


class DataDirectoryError(Pack2Error):
    """{path} {reason}. Move it away, or remove all state with `make clean`, and run this again."""


class DiskFullError(Pack2Error):
    """There is no space left in {path} ({free_mb} MB free). Free some space and run this again."""


class StateFolderError(Pack2Error):
    """The state folder {path} cannot be used: {reason}."""


class ServerUnreachableError(Pack2Error):
    """{variable} names {where}, which cannot be used: {reason}. Correct or unset {variable}; without it
    an embedded server is started."""


class PortInUseError(Pack2Error):
    """Port {port} is in use by {holder}. Stop it, or give another one with --port."""


class ServersInUseError(Pack2Error):
    """The servers in {path} are used by another command. Stop that one first; it may stop them itself."""
