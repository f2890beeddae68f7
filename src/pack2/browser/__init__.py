"""The browser's own cache: a service worker that paints a page again at once, and what serves it."""

from pack2.browser.app import BrowserCache

__all__ = ["BrowserCache"]
