"""Makes the helpers of this folder importable: `asgi_client`, `notebook`, `oracle`."""
