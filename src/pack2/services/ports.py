"""Is a port free, and if not, who holds it: told before a server fails over it."""

from __future__ import annotations

import contextlib
import random
import socket

import psutil

from pack2.services.errors import PortInUseError

# Below those that systems give to outgoing connections (Linux from 32768, IANA's range from 49152): no
# connection can have the port by the time that a server binds it.
_CHOICE = range(20_000, 32_768)


def free_port() -> int:
    """A loopback port that nobody uses at this moment and no outgoing connection will take."""
    for port in random.SystemRandom().sample(_CHOICE, 100):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise PortInUseError(port=_CHOICE.start, holder="other programs, as are a hundred more")


def require_free_port(port: int) -> None:
    """Raises PortInUseError that names who listens on `port` of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise PortInUseError(port=port, holder="the system (below 1024 it takes root)") from None
        except OSError:
            raise PortInUseError(port=port, holder=port_holder(port)) from None


def port_holder(port: int) -> str:
    """The program that listens on `port`, as far as this user may know it."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            if listens and connection.pid:
                command = " ".join(psutil.Process(connection.pid).cmdline())[:80]
                return f"process {connection.pid} ({command})"
    return "another program"
