"""What a worker process of the web server loads: the application, and an end when its parent dies.

Without the second, a SIGKILL of the server would leave workers behind that hold the port.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from typing import TYPE_CHECKING

from adaf import asgi

if TYPE_CHECKING:
    from pack2.http.identity import ASGIApp


def app() -> ASGIApp:
    """A factory for granian."""
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    return asgi.app()


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
