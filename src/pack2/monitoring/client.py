"""One request to Prometheus or Grafana, whose address comes from a variable and may hold a password."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec

from pack2.monitoring.errors import AddressError, MonitorUnreachableError

TIMEOUT_SECONDS: Final = 10.0


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: bytes

    def json(self) -> Any:
        """What the body holds; None where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Server(msgspec.Struct, frozen=True):
    """`url` has no password in it, so that it can be printed; `variable` is where it came from."""

    variable: str
    url: str
    authorization: str = ""

    def ask(
        self, path: str, *, body: Any = None, method: str = "", timeout_seconds: float = TIMEOUT_SECONDS
    ) -> Answer:
        """GET, or POST of `body` as JSON, or `method`. Raises MonitorUnreachableError."""
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.netloc, timeout=timeout_seconds)
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        try:
            content = None if body is None else json.dumps(body).encode()
            chosen = method or ("GET" if body is None else "POST")
            connection.request(chosen, parts.path + path, content, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read())
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise MonitorUnreachableError(url=self.url, reason=reason, variable=self.variable) from None
        finally:
            connection.close()


def server(variable: str, url: str) -> Server:
    """The server at `url`, which may carry a path and `user:password@`. Raises AddressError."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:  # whose text may hold the password
        raise AddressError(variable=variable, reason="host or port can not be read") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise AddressError(variable=variable, reason="it does not begin with http:// or https:// and a host")
    name = f"[{host}]" if ":" in host else host
    address = f"{parts.scheme}://{name}{f':{port}' if port else ''}{parts.path.rstrip('/')}"
    signed = basic(unquote(parts.username), unquote(parts.password or "")) if parts.username else ""
    return Server(variable, address, signed)


def basic(user: str, password: str) -> str:
    """The header of a user with a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
