"""What can go wrong while servers are found, started or stopped: each message names place and way out."""

from __future__ import annotations

import shutil
from pathlib import Path

from pack2.errors import Pack2Error


class ServerMissingError(Pack2Error):
    """There is no {server} for {platform} in this environment. Install it with `{install}` and run this
    again, or set {variable} to a running one."""


class ServerStartError(Pack2Error):
    """{server} did not start: {reason}. Mend that and run this again; its log is {log}."""


class ServerHungError(Pack2Error):
    """{server} (process {pid}) runs but does not answer within {seconds:g} s. Its log is {log}; stop it with
    `kill {pid}` and run this again."""


class DataDirectoryError(Pack2Error):
    """{path} {reason}. Move it away, or remove all state with `make clean`, and run this again."""


class DiskFullError(Pack2Error):
    """There is too little space in {path} ({free_mb} MB free). Free some space and run this again."""

    @classmethod
    def at(cls, folder: Path) -> DiskFullError:
        """With the space that is free in `folder` now."""
        return cls(path=folder, free_mb=shutil.disk_usage(folder).free // 2**20)


class ServerDiskFullError(Pack2Error):
    """The disk of the server that DATABASE_URL names is full. Free some space there and run this again."""


class StateFolderError(Pack2Error):
    """The state folder {path} cannot be used: {reason}."""


class ServerUnreachableError(Pack2Error):
    """{variable} names {where}, which cannot be used: {reason}. Correct or unset {variable}; without it
    an embedded server is started."""


class PortInUseError(Pack2Error):
    """Port {port} is in use by {holder}. Stop it, or give another one with --port."""


class ServersInUseError(Pack2Error):
    """The servers in {path} are used by another command. Stop that one first; it may stop them itself."""
