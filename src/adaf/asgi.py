"""What the web server loads, `adaf.asgi:app`: the dashboard as the environment says."""

from __future__ import annotations

from adaf.app import create_asgi
from adaf.settings import from_environment

app = create_asgi(from_environment())
