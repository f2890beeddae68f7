"""The ASGI cache middleware: `CacheMiddleware` in front of an ASGI application, `Identity` shared with it."""

from pack2.http.configure import from_config
from pack2.http.identity import IDENTITY_KEY, Identify, Identity
from pack2.http.middleware import CacheMiddleware

__all__ = ["IDENTITY_KEY", "CacheMiddleware", "Identify", "Identity", "from_config"]
